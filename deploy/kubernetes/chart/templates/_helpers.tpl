{{- define "forward-auth.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}{{ .Values.fullnameOverride }}
{{- else if contains $name .Release.Name -}}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "forward-auth.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "forward-auth.labels" -}}
{{ include "forward-auth.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "forward-auth.metadata" -}}
name: {{ include "forward-auth.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "forward-auth.labels" . | nindent 2 }}
{{- end -}}

{{- define "forward-auth.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end }}
{{- end -}}

{{- define "forward-auth.configMap" -}}
{{ default (include "forward-auth.fullname" .) .Values.existingConfigMap }}
{{- end -}}

{{- define "forward-auth.secret" -}}
{{ default (include "forward-auth.fullname" .) .Values.secret.existing }}
{{- end -}}

{{/* security: Traefik joins namespace and name by a dash; a name without one can be made by no other namespace: docs/inside/decisions/139 */}}
{{- define "forward-auth.refuse" -}}
{{ include "forward-auth.fullname" . | replace "-" "" | trunc 57 }}refuse
{{- end -}}

{{/* a peer of a NetworkPolicy: the pods of another namespace, or of this one */}}
{{- define "forward-auth.peer" -}}
{{- $labels := .labels | default dict -}}
{{- $pods := dict "podSelector" (ternary (dict "matchLabels" $labels) dict (not (empty $labels))) -}}
{{- $namespace := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" (.namespace | default .here))) -}}
{{- if eq (.namespace | default .here) .here }}{{ toJson $pods }}
{{- else if $labels }}{{ toJson (merge $namespace $pods) }}
{{- else }}{{ toJson $namespace }}
{{- end -}}
{{- end -}}

{{/* allowed proxies: networkPolicy.proxies, or the proxy that the values name, or this namespace */}}
{{- define "forward-auth.proxies" -}}
{{- $here := .Release.Namespace -}}
{{- $peers := list -}}
{{- if not (kindIs "invalid" .Values.networkPolicy.proxies) }}{{ $peers = .Values.networkPolicy.proxies -}}
{{- else if or .Values.proxy.namespace .Values.proxy.podLabels -}}
{{- $peers = list (include "forward-auth.peer" (dict "here" $here "namespace" .Values.proxy.namespace "labels" .Values.proxy.podLabels) | fromJson) -}}
{{- else -}}
{{- range include "forward-auth.gatewayNamespaces" . | fromJsonArray | default (list $here) -}}
{{- $peers = append $peers (include "forward-auth.peer" (dict "here" $here "namespace" .) | fromJson) -}}
{{- end -}}
{{- end -}}
{{ toJson $peers }}
{{- end -}}

{{/* of gateway.parentRefs, each once */}}
{{- define "forward-auth.gatewayNamespaces" -}}
{{- $namespaces := list -}}
{{- range ternary .Values.gateway.parentRefs list .Values.gateway.enabled -}}
{{- $namespaces = append $namespaces (.namespace | default $.Release.Namespace) -}}
{{- end -}}
{{ toJson (uniq $namespaces) }}
{{- end -}}
