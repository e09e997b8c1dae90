{{/* `config` and `secret`: what becomes of them is said by the service's own table of variables (_known.tpl) */}}

{{- define "forward-auth.check.config" -}}
{{- $known := include "forward-auth.known.variables" . | fromYamlArray -}}
{{- if and (not .Values.existingConfigMap) (not .Values.config.AUTHGEAR_ENDPOINT) }}
config.AUTHGEAR_ENDPOINT is required: the project's public origin, such as https://myapp.authgear.cloud
{{- end -}}
{{- range $name, $value := .Values.config -}}
{{- if not (or (kindIs "string" $value) (kindIs "invalid" $value)) }}
config.{{ $name }} must be text: write it in quotes, or use --set-string
{{- end -}}
{{- include "forward-auth.check.variable" (dict "name" $name "value" ($value | default "" | toString) "known" $known "root" $) -}}
{{- end -}}
{{- end -}}

{{/* one variable of `config`; the values of secrets are never repeated */}}
{{- define "forward-auth.check.variable" -}}
{{- $name := .name -}}
{{- $key := "" -}}
{{- range $one, $file := include "forward-auth.known.secrets" .root | fromYaml -}}
{{- if has $name (list $file (trimSuffix "_FILE" $file)) }}{{ $key = $one }}{{ end -}}
{{- end -}}
{{- $isPublic := or (has $name (list "AUTHGEAR_CA_FILE" "REDIS_CA_FILE")) (and (eq $name "CACHE_SECRET") (eq .value "none")) -}}
{{- $set := dict
  "LISTEN" "the chart sets it: the pods listen on port 4180"
  "MANAGEMENT_LISTEN" "the chart sets it: the pods listen on port 4181"
  "LISTEN_GRPC" "set grpc.enabled"
  "LISTEN_EVENTS" "set events.enabled"
  "LISTEN_TLS_CERT_FILE" "set tls.secretName"
  "LISTEN_TLS_KEY_FILE" "set tls.secretName"
  "LISTEN_TLS_CLIENT_CA_FILE" "set tls.clientCa"
  "LOGIN_CLIENT_ID" "set login.clientId"
  "LOGIN_SESSION" "set login.session"
  "LOGIN_PUBLIC_URL" "set login.publicUrl"
  "LOGIN_ALLOWED_HOSTS" "set login.allowedHosts" -}}
{{- if eq $name "REDIS_URL" -}}
{{- if contains "@" .value }}
config.REDIS_URL must not hold a password, and a ConfigMap is no secret: put it into the key redis-url of the Secret, redis-url into secret.keys, and set config.REDIS_URL to ""
{{- else if not (regexMatch "^(rediss?://.+)?$" .value) }}
config.REDIS_URL must begin with redis:// or rediss://, such as redis://redis:6379/0
{{- end -}}
{{- else if and $key (not $isPublic) }}
config.{{ $name }} is a secret or a file, and a ConfigMap holds neither: put it into the key {{ $key }} of the Secret, and {{ $key }} into secret.keys
{{- else if hasKey $set $name }}
config.{{ $name }} does not count here: {{ get $set $name }}
{{- else if and (hasSuffix "_FILE" $name) (has (trimSuffix "_FILE" $name) .known) }}
config.{{ $name }} names a file that the pods do not have: write config.{{ trimSuffix "_FILE" $name }}
{{- else if not (or (has $name .known) (regexMatch "^(OTEL|NODE|UV|SSL|MALLOC)_[A-Z0-9_]+$|^TZ$" $name)) }}
config.{{ $name }} is not a variable of forward-auth{{ include "forward-auth.didYouMean" (dict "name" $name "known" .known) }}
{{- else if and (eq $name "AUTHGEAR_ENDPOINT") (not (regexMatch "^(https?://[^/]+)?$" .value)) }}
config.AUTHGEAR_ENDPOINT must be an origin such as https://myapp.authgear.cloud, with http:// or https:// and without a path
{{- end -}}
{{- end -}}

{{- define "forward-auth.check.secret" -}}
{{- $known := include "forward-auth.known.secrets" . | fromYaml | keys | sortAlpha -}}
{{- $made := not .Values.secret.existing -}}
{{- $values := .Values.secret.values | default dict -}}
{{- if ne (.Values.secret.keys | default list | len) (.Values.secret.keys | default list | uniq | len) }}
secret.keys names a key twice
{{- end -}}
{{- range .Values.secret.keys -}}
{{- if not (has . $known) }}
secret.keys: {{ . | quote }} is no key that forward-auth reads{{ include "forward-auth.didYouMean" (dict "name" . "known" $known) | default (printf ": %s" (join ", " $known)) }}
{{- else if and $made (not (hasKey $values .)) }}
secret.values.{{ . }} is missing: set it, or secret.existing to the name of a Secret of yours
{{- else if and $made (lt (len (get $values .)) 8) }}
secret.values.{{ . }} is too short for a secret
{{- end -}}
{{- end -}}
{{- range $key, $_ := $values -}}
{{- if not (has $key $.Values.secret.keys) }}
secret.values.{{ $key }} does not count: {{ $key }} is not in secret.keys
{{- else if not $made }}
secret.values.{{ $key }} does not count: secret.existing names a Secret of yours
{{- end -}}
{{- end -}}
{{- if ne .Values.events.enabled (has "events-tokens" .Values.secret.keys) }}
events.enabled and the key events-tokens of secret.keys need each other: the tokens of the apps that follow the events
{{- end -}}
{{- range list "cache-secret" "webhook-secret" "login-secret" -}}
{{- $previous := printf "%s-previous" . -}}
{{- if and (has $previous $.Values.secret.keys) (not (has . $.Values.secret.keys)) }}
the key {{ $previous }} of secret.keys needs {{ . }} beside it: the new secret
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "forward-auth.check.redis" -}}
{{- $keys := .Values.secret.keys -}}
{{- $redis := or .Values.redis.deploy .Values.config.REDIS_URL .Values.config.REDIS_CLUSTER .Values.config.REDIS_SENTINELS (has "redis-url" $keys) .Values.existingConfigMap -}}
{{- if and (not $redis) (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) }}
several replicas need Redis, or a revocation reaches one of them only: set redis.deploy or config.REDIS_URL, or replicas: 1
{{- end -}}
{{- if and .Values.config.REDIS_URL (has "redis-url" $keys) (not .Values.redis.deploy) }}
config.REDIS_URL and the key redis-url of secret.keys exclude each other: set config.REDIS_URL to ""
{{- end -}}
{{- if and $redis (not (has "cache-secret" $keys)) (ne (.Values.config.CACHE_SECRET | default "") "none") }}
secret.keys must have cache-secret: with Redis the service does not start without
{{- end -}}
{{- if .Values.redis.deploy -}}
{{- range list "REDIS_CLUSTER" "REDIS_SENTINELS" "REDIS_USERNAME" "REDIS_TLS" "REDIS_CA_FILE" -}}
{{- if get $.Values.config . }}
redis.deploy and config.{{ . }} exclude each other: the chart's own Redis needs none of it
{{- end -}}
{{- end -}}
{{- if not (has (.Values.config.REDIS_URL | default "") (list "" "redis://redis:6379/0")) }}
redis.deploy and config.REDIS_URL exclude each other: take one of them away
{{- end -}}
{{- range list "redis-url" "redis-password" "redis-ca" "redis-sentinel-password" -}}
{{- if has . $keys }}
redis.deploy and the key {{ . }} of secret.keys exclude each other: the chart's own Redis has a Secret of its own
{{- end -}}
{{- end -}}
{{- if .Values.existingConfigMap }}
redis.deploy needs config instead of existingConfigMap: the rights in Redis follow config.REDIS_KEY_PREFIX
{{- end -}}
{{- if not (or .Values.redis.existingSecret (include "forward-auth.hasCluster" .)) }}
redis.existingSecret is required with redis.deploy where no cluster is asked (helm template, Argo CD): a password made here would be another one each time
{{- end -}}
{{- if not (regexMatch "^[1-9][0-9]*(mb|gb)$" .Values.redis.maxMemory) }}
redis.maxMemory must be a number with mb or gb, such as 128mb, not {{ .Values.redis.maxMemory | quote }}
{{- end -}}
{{- if not (regexMatch "^[!-&(-z|~]*$" (.Values.config.REDIS_KEY_PREFIX | default "")) }}
config.REDIS_KEY_PREFIX must have no space, quote or brace
{{- else if regexMatch "[*?\\[\\]\\\\]" (.Values.config.REDIS_KEY_PREFIX | default "") }}
config.REDIS_KEY_PREFIX must have none of * ? [ ] \ with redis.deploy: Redis would read them as patterns
{{- end -}}
{{- if eq .Values.redis.image.tag "latest" }}
redis.image.tag must not be latest: name a version, or redis.image.digest
{{- else if not (or .Values.redis.image.tag .Values.redis.image.digest) }}
redis.image.tag is required: a version of Valkey, or redis.image.digest
{{- end -}}
{{- if not (regexMatch "^(sha256:[0-9a-f]{64})?$" .Values.redis.image.digest) }}
redis.image.digest must be sha256: and 64 hexadecimal digits
{{- end -}}
{{- end -}}
{{- end -}}
