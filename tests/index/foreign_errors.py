"""Messages of Kubernetes and what runs around it that are about nothing the FAQ answers, however near they sound."""

from __future__ import annotations

__all__ = ["FOREIGN_ERRORS"]

FOREIGN_ERRORS: tuple[str, ...] = (
    # CNI plugins and what calls them
    'plugin type="bridge" failed (add): failed to allocate for range 0: requested IP address 10.88.0.7 is not '
    "available in range set 10.88.0.1-10.88.255.254",
    "failed to allocate for range 0: requested IP address 172.30.34.140 is not available in range set "
    "172.30.34.129-172.30.34.190",
    'plugin type="loopback" failed (add): failed to find plugin "loopback" in path [/opt/cni/bin]',
    'failed to set bridge addr: "cni0" already has an IP address different from 10.244.1.1/24',
    "failed to load flannel 'subnet.env' file: open /run/flannel/subnet.env: no such file or directory. Check "
    "the flannel pod log for this node.",
    "add cmd: failed to assign an IP address to container",
    "failed to do add; error parse config, eth0 config is missing",
    'Multus: [prod/api-0]: error adding pod to network "macvlan-conf": delegateAdd: error invoking DelegateAdd',
    # Terway, Alibaba Cloud
    "InvalidVSwitchId.NotFound",
    'The specified VSwitch "vsw-bp1s5fnvk4gn2tws03624" does not exist.',
    "Code: InvalidVpcId.NotFound Message: Specified VPC does not exist.",
    "Assign private ip address failed: Aliyun API Error: RequestId: 2095E971-E473-4BA0-853F-0C41CF52651D "
    "Status Code: 403 Code: Forbidden.RAM Message: User not authorized to operate on the specified resource",
    "Assign private ip address failed: Aliyun API Error: RequestId: 7A0C1B6E-5E0B-4E0C-8B62-9F3B9C2F4D11 "
    "Status Code: 400 Code: Throttling.User Message: Request was denied due to user flow control.",
    "ErrorCode: OperationDenied.NoStock Message: The requested resource is sold out in the specified zone; "
    "try other types of resources or other regions and zones.",
    "QuotaExceeded.ElasticQuota: The number of the specified ECS instances exceeds the quota",
    "InvalidAccountStatus.NotEnoughBalance: Your account does not have enough balance.",
    "IncorrectInstanceStatus: The current status of the resource does not support this operation.",
    "SecurityGroupRuleLimitExceed: the number of rules in the security group exceeds the limit",
    "EipPerInstanceLimitExceeded",
    "InvalidInstanceType.NotSupportDiskCategory: the specified instance type does not support this disk category",
    "SyncLoadBalancerFailed: The loadbalancer spec slb.s1.small is not supported in region cn-beijing",
    "LoadBalancerSpecNotSupported: the specified spec is not supported",
    "The specified DiskCategory is not supported",
    # Kubernetes
    "0/12 nodes are available: 12 Insufficient cpu. preemption: 0/12 nodes are available: 12 No preemption "
    "victims found",
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu",
    "0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }",
    "0/6 nodes are available: 6 node(s) had untolerated taint {node.kubernetes.io/unreachable: }",
    "0/4 nodes are available: 4 node(s) had volume node affinity conflict",
    "pod has unbound immediate PersistentVolumeClaims",
    'Failed to pull image "nginx:1.99": rpc error: code = NotFound desc = failed to pull and unpack image',
    "Back-off restarting failed container app in pod api-7d9c5b8f6-x2x9k_prod",
    "OOMKilled",
    "Readiness probe failed: HTTP probe failed with statuscode: 503",
    'MountVolume.SetUp failed for volume "conf" : configmap "app-conf" not found',
    'Multi-Attach error for volume "d-bp1abc" Volume is already exclusively attached to one node and can\'t be '
    "attached to another",
    "Node cn-hangzhou.10.0.0.3 status is now: NodeNotReady",
    "Node cn-hangzhou.10.0.0.3 status is now: NodeHasDiskPressure",
    "node.kubernetes.io/pid-pressure:NoSchedule",
    "container runtime network is up but PLEG is not healthy: pleg was last seen active 3m0s ago; threshold is 3m0s",
    "[ERROR Swap]: running with swap on is not supported. Please disable swap",
    "x509: certificate has expired or is not yet valid: current time 2025-11-22T03:11:22Z is after "
    "2025-11-20T00:00:00Z",
    "etcdserver: mvcc: database space exceeded",
    "etcdserver: request timed out",
    "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
    "error: You must be logged in to the server (Unauthorized)",
    "exceeded quota: compute-resources, requested: limits.memory=2Gi, used: limits.memory=15Gi, limited: "
    "limits.memory=16Gi",
    'admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: host "a.example.com" and '
    'path "/" is already defined in ingress default/web',
    'no endpoints available for service "ingress-nginx-controller-admission"',
    'Error creating: pods "api-0" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes',
    "unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently "
    "unable to handle the request",
    "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu",
    "leaderelection lost",
    'error: error upgrading connection: unable to upgrade connection: container not found ("app")',
    "provided port is already allocated: spec.ports[0].nodePort: Invalid value: 30080",
    'Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["10.0.0.9"]: failed to allocate IP '
    "10.0.0.9: provided IP is already allocated",
    # kube-proxy, iptables, the kernel
    "Using nftables Proxier",
    "Using userspace Proxier.",
    "IPVS proxier will not be used because the kernel version is too old, at least 4.19 is needed",
    'unrecognized feature: "TopologyAwareRouting"',
    "Another app is currently holding the xtables lock; still 3s 0us time ahead to have a chance to grab the lock...",
    "iptables: No chain/target/match by that name.",
    "iptables-restore: line 47 failed",
    "Failed to execute iptables-restore: exit status 4 (Resource temporarily unavailable)",
    "neighbour: arp_cache: neighbor table overflow!",
    "TCP: request_sock_TCP: Possible SYN flooding on port 8080. Sending cookies.",
    "TCP: out of memory -- consider tuning tcp_mem",
    "nf_tables: table full, dropping rule",
    "nf_conntrack: expectation table full",
    "unregister_netdevice: waiting for eth0 to become free. Usage count = 1",
    "watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [ksoftirqd/3:28]",
    "EXT4-fs error (device vda1): ext4_lookup:1602: inode #2: comm kubelet: deleted inode referenced",
    "Memory cgroup out of memory: Killed process 31337 (java) total-vm:9437184kB",
    "IP address not found",
    "no buffer space available",
    # containerd, CoreDNS, ingress
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: exec: "/app": '
    "permission denied",
    "failed to reserve sandbox name: name is reserved for",
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial unix '
    '/run/containerd/containerd.sock: connect: no such file or directory"',
    '[FATAL] plugin/loop: Loop (127.0.0.1:53 -> :53) detected for zone "."',
    "[ERROR] plugin/errors: 2 example.com. A: read udp 10.0.0.9:39041->100.100.2.136:53: i/o timeout",
    "upstream prematurely closed connection while reading response header from upstream",
    "upstream timed out (110: Connection timed out) while connecting to upstream",
    "SSL_do_handshake() failed (SSL: error:1408F10B:SSL routines:ssl3_get_record:wrong version number)",
    "worker_connections are not enough",
    "kex_exchange_identification: Connection closed by remote host",
    "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
)
