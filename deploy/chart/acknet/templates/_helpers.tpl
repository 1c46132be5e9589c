{{- define "acknet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "acknet.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "acknet.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "acknet.selectorLabels" -}}
app.kubernetes.io/name: {{ include "acknet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "acknet.labels" -}}
{{ include "acknet.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "acknet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "acknet.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: name the service account to use, because serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "acknet.image" -}}
{{- $repository := required "image.repository: the place in your registry to which you pushed the image" .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* The settings as acknet's file has them. JSON's texts, numbers, switches and lists of texts are TOML's. */}}
{{- define "acknet.settings" -}}
{{- $settings := .Values.settings }}
{{- if and .Values.serviceMonitor.enabled (not (hasKey $settings "open_metrics")) }}
{{- $settings = set (deepCopy $settings) "open_metrics" true }}
{{- end }}
{{- range $name, $value := $settings }}
{{ $name }} = {{ toJson $value }}
{{- end }}
{{- end }}

{{- /* The port of a URL; fails where there is none to take it from. */}}
{{- define "acknet.portOf" -}}
{{- $url := index . 0 | required (printf "networkPolicy.%s.port: name the port, because no setting here has the URL" (index . 1)) }}
{{- regexFind ":[0-9]+$" (urlParse $url).host | trimPrefix ":" | default (ternary "443" "80" (hasPrefix "https:" $url)) }}
{{- end }}
