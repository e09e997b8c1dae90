{{/* What the cluster has now. Without one (helm template, Argo CD, helm lint) `lookup` finds nothing */}}

{{/* a list says whether there is a cluster, also where it holds no Deployment */}}
{{- define "forward-auth.hasCluster" -}}
{{- if lookup "apps/v1" "Deployment" .Release.Namespace "" }}true{{ end -}}
{{- end -}}

{{/*
How many replicas to ask for. The autoscaler's number stays: a Deployment without `replicas` would be set to 1 when it is
switched on. Without a cluster nothing is said, or each sync of Argo CD would undo what the autoscaler did
*/}}
{{- define "forward-auth.replicas" -}}
{{- if not .Values.autoscaling.enabled }}{{ .Values.replicas -}}
{{- else if include "forward-auth.hasCluster" . -}}
{{- $running := lookup "apps/v1" "Deployment" .Release.Namespace (include "forward-auth.fullname" .) -}}
{{ max (dig "spec" "replicas" 0 $running | int) (int .Values.autoscaling.minReplicas) }}
{{- end -}}
{{- end -}}

{{/* (list . KIND NAME): a text that changes with that resource; it reveals nothing of its content */}}
{{- define "forward-auth.version" -}}
{{- $root := index . 0 -}}
{{- with index . 2 -}}
{{- with lookup "v1" (index $ 1) $root.Release.Namespace . }}{{ printf "%s/%s" .metadata.uid .metadata.resourceVersion | sha256sum }}{{ end -}}
{{- end -}}
{{- end -}}
