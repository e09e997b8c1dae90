{{/* The Valkey of `redis.deploy`: docs/kubernetes-chart.md */}}

{{- define "forward-auth.redis.fullname" -}}
{{ include "forward-auth.fullname" . | trunc 57 | trimSuffix "-" }}-redis
{{- end -}}

{{/* other names than the service's own pods have, or its Service would lead here */}}
{{- define "forward-auth.redis.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 57 | trimSuffix "-" }}-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "forward-auth.redis.labels" -}}
{{ include "forward-auth.redis.selector" . }}
app.kubernetes.io/component: redis
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "forward-auth.redis.metadata" -}}
name: {{ include "forward-auth.redis.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "forward-auth.redis.labels" . | nindent 2 }}
{{- end -}}

{{- define "forward-auth.redis.secret" -}}
{{ default (include "forward-auth.redis.fullname" .) .Values.redis.existingSecret }}
{{- end -}}

{{- define "forward-auth.redis.image" -}}
{{- with .Values.redis.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}{{ end -}}
{{- end -}}

{{/* made once, then kept: all templates of a rendering see the same one */}}
{{- define "forward-auth.redis.password" -}}
{{- if not (hasKey .Values.redis "made") -}}
{{- $kept := lookup "v1" "Secret" .Release.Namespace (include "forward-auth.redis.fullname" .) -}}
{{- $_ := set .Values.redis "made" (dig "data" "redis-password" "" $kept | b64dec | default (randAlphaNum 40)) -}}
{{- end -}}
{{ .Values.redis.made }}
{{- end -}}

{{/* another text when the password is another: both sides read it at their start */}}
{{- define "forward-auth.redis.version" -}}
{{- if .Values.redis.existingSecret }}{{ include "forward-auth.version" (list . "Secret" .Values.redis.existingSecret) | default "unknown" -}}
{{- else }}{{ include "forward-auth.redis.password" . | sha256sum }}
{{- end -}}
{{- end -}}

{{/* docs/redis.md says what each right is for; test/unit/docs/redis-rights.test.ts compares them */}}
{{- define "forward-auth.redis.rights" -}}
resetkeys '~{{ default "forward-auth:" .Values.config.REDIS_KEY_PREFIX }}*' resetchannels -@all +get +set +pttl +del +eval +xread +xrange +xrevrange +xadd +xlen +xtrim +hget +hset +hmget +role +time +wait +info
{{- end -}}
