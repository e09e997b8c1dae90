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

{{/* what would start and then not do what was meant is said here */}}
{{- define "forward-auth.check" -}}
{{- if and (not .Values.existingConfigMap) (not .Values.config.AUTHGEAR_ENDPOINT) }}{{ fail "config.AUTHGEAR_ENDPOINT is required: the project's public origin, such as https://myapp.authgear.cloud" }}{{ end }}
{{- $redis := or .Values.config.REDIS_URL .Values.config.REDIS_CLUSTER .Values.config.REDIS_SENTINELS (has "redis-url" .Values.secret.keys) .Values.existingConfigMap }}
{{- if and (not $redis) (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) }}{{ fail "several replicas need Redis (config.REDIS_URL), or a revocation reaches one of them only: set it, or replicas: 1" }}{{ end }}
{{- if and .Values.config.REDIS_URL (has "redis-url" .Values.secret.keys) }}{{ fail "config.REDIS_URL and the key redis-url of secret.keys exclude each other: set config.REDIS_URL to \"\"" }}{{ end }}
{{- if and $redis (not (has "cache-secret" .Values.secret.keys)) (ne (.Values.config.CACHE_SECRET_FILE | default "") "none") }}{{ fail "secret.keys must have cache-secret: with Redis the service does not start without" }}{{ end }}
{{- if not .Values.secret.existing }}{{ range .Values.secret.keys }}{{ if not (hasKey $.Values.secret.values .) }}{{ fail (printf "secret.values.%s is missing: set it, or secret.existing to the name of a Secret of yours" .) }}{{ end }}{{ end }}{{ end }}
{{- range list "cache-secret" "webhook-secret" "login-secret" }}
{{- $previous := printf "%s-previous" . }}
{{- if and (has $previous $.Values.secret.keys) (not (has . $.Values.secret.keys)) }}{{ fail (printf "the key %s of secret.keys needs %s beside it: the new secret" $previous .) }}{{ end }}
{{- end }}
{{- if .Values.login.enabled }}
{{- if or (not .Values.login.clientId) (not .Values.login.publicUrl) }}{{ fail "login.enabled needs login.clientId and login.publicUrl: docs/login.md" }}{{ end }}
{{- if not (has "login-secret" .Values.secret.keys) }}{{ fail "login.enabled needs login-secret in secret.keys: it seals a login on its way, the same for all replicas" }}{{ end }}
{{- else if has "login-secret" .Values.secret.keys }}{{ fail "the key login-secret of secret.keys needs login.enabled" }}
{{- end }}
{{- if and .Values.tls.clientCa (not .Values.tls.secretName) }}{{ fail "tls.clientCa needs tls.secretName" }}{{ end }}
{{- if and .Values.traefik.enabled .Values.tls.secretName (not .Values.traefik.caSecret) }}{{ fail "traefik.caSecret is required with tls.secretName: the Secret with the authority's ca.crt" }}{{ end }}
{{- end -}}
