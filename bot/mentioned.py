"""Component versions that a conversation names, so that the branch that holds is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus import Version, parse_version

__all__ = ["mentioned_versions"]

# Every pattern looks no further than some bound around where it starts: a hostile paste costs no more than a long one.

_ANY = re.compile(r"[0-9]\.[0-9]")
# One digit before the first dot, no leading zeros, no unit: addresses, dates, times and sizes are no versions.
_UNIT = r"%|(?:[kmgt]i?b?|x|ms|s|sec(?:ond)?s?|min(?:ute)?s?|h|hours?|days?|v?cpus?|cores?|times)\b|[倍秒核分]"
_VERSION = rf"\d(?:\.(?:0|[1-9]\d{{0,2}})){{1,3}}(?![0-9a-z_]|\.\d|\s?(?:{_UNIT}))"
_NUMBER = rf"v?(?P<version>{_VERSION})(?:[-+](?!\d+\.\d)[0-9a-z][0-9a-z.+-]{{0,40}}|\.x\b)?"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.ASCII | re.VERBOSE | re.MULTILINE)


_NAME = _pattern(
    r"""(?<![a-z0-9_/.-])(?:
    (?P<terway>terway(?:-eniip|-eni)?)
    |(?P<flannel>(?:kube-)?flannel(?:-ds)?)
    |(?P<kubelet>kubelets?)
    |(?P<kube_proxy>kube-?proxy(?:-worker|-master)?)
    |(?P<kubernetes>kubernetes|k8s|ack|(?:kube-)?api-?[ ]?server|clusters?|集群)
    )(?:[-_]?versions?)?(?![a-z]|-[a-z])"""
)
# What may stand between a component and its version; "to" tells that the version is one that something moved to.
_BETWEEN = _pattern(
    r"""(?:'s\b|[\s:=@(|"'`*,_]
    |\b(?:versions?|releases?|tag|image|add-?on|components?|plugin|cni|managed|pro|dedicated|control|plane
      |is|are|was|been|has|have|got|at|on|now|still|just|already|current(?:ly)?|daemonset|ds|installed|runs?|running|we|use|using)\b
    |版本?号?|组件|插件|镜像|托管版?|专有版?|是|为|在?用的?|现在|目前|当前|的|已经?|刚[刚才]?|[今昨前][天晚早日]
    |(?P<to>\b(?:upgraded|updated|bumped|moved|went|rolled|to|up)\b|升级?[到至]?了?|更新[到至]?了?|[到至]))*+"""
)
_AFTER_NAME = _pattern(rf"(?P<gap>[^\d\n.;。!?]{{0,48}}?|[\"',\s]{{1,12}}version\W{{1,6}}){_NUMBER}")
_BEFORE_NAME = _pattern(rf"(?<![0-9a-z_.]){_NUMBER}\s?(?P<of>(?:的|版本的?|版的?)[老旧新]?)?\s?\Z")
_ARTICLE = _pattern(r"\b(?:an?|the|our|my|on|with|old|new)\s\Z")
_PLUGIN = _pattern(r"(?:terway|flannel)\s?\Z")

# What makes a number beside a component another thing than its version.
_SENTENCE_END = _pattern(r"[\n;。!?]|\.\s")
_LIMIT = _pattern(
    r"""(?:\b(?:before|until|till|since|from|past|beyond|above|below|under|over|than|wants?|needs?|requires?|without)
    (?:\s+(?:the|an?|our))?|[<>]=?|低于|高于|早于|晚于|大于|小于|不到|超过|需要|要求|从|自)\s*$"""
)
_LIMIT_AFTER = _pattern(
    r"""\s?\+|\s*(?:
    (?:or|and)\s+(?:later|newer|above|higher|up|upwards?|greater|older|earlier|below|lower|before|less)\b|onwards?\b
    |(?:的?版本)?[及和或]?(?:更[高新低早]|以[上下前后]|之[前后]|[前后]|起(?!不)|开始))"""
)
_TOWARDS = _pattern(r"(?:\b(?:to|into)|[到至升])\s*$")
_MOVED = _pattern(
    r"""\b(?:upgraded|updated|bumped|moved|went|rolled)\b
    |\b(?:after|since|following)\b.*\b(?:upgrad|updat|mov|roll|bump|go)
    |(?:已|刚|昨|今天|前天|上周|上个月).*(?:升|更新)|(?:升级?|更新)[到至]?了"""
)
_MOVED_AFTER = _pattern(r"\s*(?:版本)?(?:[之以]?后|了)")
_NOT_YET = _pattern(
    r"\b(?:if|once|be|being|get|unless|until|want|plan|planning|should|must|need)\b"
    r"|如果|假如|若|准备|计划|打算|想|要|应该|能|可以|建议"
)
_ANOTHER = _pattern(
    r"""(?:\s*(?:[,/~、→和或及与到至]|-+>?|=>|升级?|版本
    |\b(?:to|and|or|vs|through|till|until|on|at|in|from|versions?)\b)){1,4}\s*v?"""
    rf"(?P<version>{_VERSION})"
)
_UPGRADE = _pattern(
    rf"(?:\b(?:upgrad(?:e|ed|ing)|updat(?:e|ed|ing)|went|moved)\b|升级?|更新)\s{{0,3}}(?:from\s{{1,3}}v?[\d.]{{3,15}}\s{{1,3}})?"
    rf"(?:\bto\b|[到至])?了?\s{{0,3}}{_NUMBER}"
)

# Where programs print versions.
_IMAGE = _pattern(rf"/(?P<name>terway|flannel|kube-proxy)(?:-eniip|-eni|-worker|-master|-amd64|-arm64)?:{_NUMBER}")
_NODE_ROW = _pattern(  # NAME, STATUS, perhaps ROLES and AGE, VERSION
    r"^[ \t]{0,20}[\w.-]{1,100}[ \t]{1,40}(?-i:Not)?(?-i:Ready)(?:,\w{1,40})?[ \t]{1,40}"
    rf"(?:\S{{1,40}}[ \t]{{1,40}}){{0,4}}?(?=v){_NUMBER}"
)
_FIELD = _pattern(
    r"(?P<key>kubeletVersion|gitVersion|(?-i:kubeProxyVersion)|(?-i:Kube-Proxy|Server|Client)[ ](?-i:Version))"
    rf"\W{{1,40}}{_NUMBER}"
)
_SIDE = _pattern(r"client|server")
_ACK_TAG = _pattern(rf"(?<![0-9a-z_.])v?(?P<version>{_VERSION})-aliyun\.\d")

_LEAST_OF_CLUSTER = (1, 14)
"""A lower version of "the cluster" is rather one of its network plugin."""

_NOTHING = "nothing"
_SOMETHING = "something"


def mentioned_versions(*turns: str) -> dict[str, Version]:
    """Return component → version for the components whose version a conversation states clearly (oldest turn first).

    A component to which the last turn that names it gives different versions (an upgrade from one to another, nodes
    that differ) is left out. Neither a bound such as "older than 1.8" nor a version yet to be upgraded to is a
    statement: a branch must not be chosen on a guess. What is said of Kubernetes also stands for the kubelet and
    kube-proxy unless something is said of theirs.
    """
    known: dict[str, Version | None] = {}
    for turn in turns:
        if not _ANY.search(turn):  # most turns name none, and the patterns below take their time
            continue
        found: dict[str, set[Version]] = {}
        for component, version in _mentions(turn):
            found.setdefault(component, set()).add(version)
        moved = found.pop(_SOMETHING, set())
        known |= {component: _the_one(versions) for component, versions in found.items()}
        for component, stated in known.items():
            if stated and any(_plausible(component, to) and not _same(stated, to) for to in moved):
                known[component] = None
    if "kubernetes" in known:
        known = {"kubelet": known["kubernetes"], "kube-proxy": known["kubernetes"]} | known
    return {component: version for component, version in known.items() if version}


def _the_one(versions: set[Version]) -> Version | None:
    """Return the most precise of ``versions`` when all others are that one, cut short."""
    longest = max(versions, key=len)
    return longest if all(_same(version, longest) for version in versions) else None


def _same(left: Version, right: Version) -> bool:
    width = min(len(left), len(right))
    return left[:width] == right[:width]


def _plausible(component: str, version: Version) -> bool:
    """Tell Flannel's versions (0.x, up to four numbers) from those of the others and from addresses."""
    zero = version[0] == 0
    return (component == _SOMETHING or zero == (component == "flannel")) and (zero or len(version) < 4)


def _mentions(text: str) -> Iterator[tuple[str, Version]]:
    """Yield each version once, with what it is the version of (_SOMETHING: of what an upgrade without a name moved)."""
    taken: set[int] = set()
    for found in (_printed(text), _said(text)):
        for component, match in found:
            version, at = parse_version(match["version"]), match.start("version")
            if version is None or at in taken or not (component == _NOTHING or _plausible(component, version)):
                continue
            taken.add(at)
            if component == _NOTHING:
                continue
            yield component, version
            another = _ANOTHER.match(text, match.end(), match.end() + 60)
            if another and (other := parse_version(another["version"])) and _plausible(component, other):
                yield component, other


def _printed(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for match in _IMAGE.finditer(text):
        yield match["name"].lower(), match
    for match in _NODE_ROW.finditer(text):
        yield "kubelet", match
    for match in _FIELD.finditer(text):
        key = match["key"].lower()
        if key == "gitversion":
            sides = _SIDE.findall(text, max(0, match.start() - 200), match.start())
            yield _NOTHING if sides and sides[-1].lower() == "client" else "kubernetes", match
        elif key == "kubeletversion":
            yield "kubelet", match
        else:
            # What a node's status gives as the version of kube-proxy is the kubelet's own.
            yield "kubernetes" if key.startswith("server") else _NOTHING, match


def _said(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    names = list(_NAME.finditer(text))
    ends = [*(name.start() for name in names[1:]), len(text)]
    for name, end in zip(names, ends, strict=False):
        match = _after(text, name, end) or _before(text, name)
        if match and not _is_plugins_own(text, name, match):
            yield (name.lastgroup or _NOTHING).replace("_", "-"), match
    for match in _ACK_TAG.finditer(text):
        if _is_there(text, match, match.start(), towards=False):
            yield "kubernetes", match
    for match in _UPGRADE.finditer(text):
        if _is_there(text, match, match.start(), towards=True):
            yield _SOMETHING, match


def _after(text: str, name: re.Match[str], end: int) -> re.Match[str] | None:
    match = _AFTER_NAME.match(text, name.end(), min(end, name.end() + 120))
    between = _BETWEEN.fullmatch(match["gap"]) if match else None
    return match if match and between and _is_there(text, match, name.start(), towards=bool(between["to"])) else None


def _before(text: str, name: re.Match[str]) -> re.Match[str] | None:
    match = _BEFORE_NAME.search(text, max(0, name.start() - 24), name.start())
    if not match or not _is_there(text, match, match.start(), towards=False):
        return None
    # "upgraded to 1.16 flannel broke": without a word that joins them, only a cluster goes by its number.
    joined = name["kubernetes"] or match["of"] or _ARTICLE.search(text, max(0, match.start() - 8), match.start())
    return match if joined else None


def _is_plugins_own(text: str, name: re.Match[str], match: re.Match[str]) -> bool:
    """Tell whether what is said of "the cluster" may be the version of its network plugin."""
    if not name[0].lower().startswith(("cluster", "集群")):
        return False
    number = parse_version(match["version"]) or ()
    return number < _LEAST_OF_CLUSTER or _PLUGIN.search(text, max(0, name.start() - 10), name.start()) is not None


def _is_there(text: str, match: re.Match[str], start: int, *, towards: bool) -> bool:
    """Tell whether the version of ``match`` is in place, and not a bound or one yet to come.

    The words about it begin at ``start``; ``towards`` tells that they speak of a move to it.
    """
    head = _SENTENCE_END.split(text[max(0, start - 48) : start])[-1]
    if _LIMIT.search(head):
        return False
    if towards or _TOWARDS.search(head):
        lead = head + text[start : match.start("version")]
        if _NOT_YET.search(lead):
            return False
        if _MOVED_AFTER.match(text, match.end()):
            return True
        return bool(_MOVED.search(lead)) and not _LIMIT_AFTER.match(text, match.end())
    return not _LIMIT_AFTER.match(text, match.end())
