{{/*
What would start and then not do what was meant. Each forward-auth.check.* gives a sentence a line, and nothing where all is
well; all are said at once
*/}}
{{- define "forward-auth.check" -}}
{{- /* first what the others would stumble over */}}
{{- with include "forward-auth.check.names" . | trim }}{{ fail (printf "\n%s" .) }}{{ end -}}
{{- $said := list -}}
{{- range list "values" "config" "secret" "redis" "network" "login" "traefik" "gateway" -}}
{{- $said = include (printf "forward-auth.check.%s" .) $ | splitList "\n" | compact | concat $said -}}
{{- end -}}
{{- with $said }}{{ fail (printf "\n%s" (join "\n" .)) }}{{ end -}}
{{- end -}}

{{/* (dict "name" … "known" LIST): the name most like it, by letters in threes; nothing where none is */}}
{{- define "forward-auth.didYouMean" -}}
{{- $name := lower .name -}}
{{- $best := "" }}{{ $most := 30 -}}
{{- range $candidate := .known -}}
{{- $shared := 0 -}}
{{- range $i := until (max 0 (sub (len $name) 2) | int) -}}
{{- if contains (substr $i (add $i 3 | int) $name) (lower $candidate) }}{{ $shared = add $shared 1 }}{{ end -}}
{{- end -}}
{{- $score := div (mul 200 $shared) (add (len $name) (len $candidate)) -}}
{{- if gt $score $most }}{{ $best = $candidate }}{{ $most = $score }}{{ end -}}
{{- end -}}
{{- with $best }}; did you mean {{ . }}?{{ end -}}
{{- end -}}

{{/* a value that the chart does not know would be dropped silently; null takes a default away, which few can be without */}}
{{- define "forward-auth.check.names" -}}
{{- $nullable := list "global" "claims" "limits" "requests" "imagePullSecrets" "nodeSelector" "tolerations" "affinity"
  "priorityClassName" "podAnnotations" "podLabels" "annotations" "labels" "proxies" "management" "egress" "keys" "values"
  "nameOverride" "fullnameOverride" "existingConfigMap" -}}
{{- range $path, $known := include "forward-auth.known.values" . | fromYaml -}}
{{- $object := $.Values -}}
{{- if ne $path "." }}{{ range splitList "." $path }}{{ $object = get ($object | default dict) . }}{{ end }}{{ end -}}
{{- range $name := keys ($object | default dict) | sortAlpha -}}
{{- $full := ternary $name (printf "%s.%s" $path $name) (eq $path ".") -}}
{{- if and (not (has $name $known)) (ne $full "redis.made") }}
{{ $full }} is not a value of this chart{{ include "forward-auth.didYouMean" (dict "name" $name "known" $known) | default (printf ": there are %s" (join ", " $known)) }}
{{- end -}}
{{- end -}}
{{- if or $object (eq $path ".") -}}
{{- range $name := $known -}}
{{- if not (or (hasKey $object $name) (has $name $nullable)) }}
{{ ternary $name (printf "%s.%s" $path $name) (eq $path ".") }} must not be null: leave it out, and the default counts (helm upgrade: --reset-then-reuse-values, since --reuse-values drops new defaults)
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* the plain ones: a form, and an example of it */}}
{{- define "forward-auth.check.values" -}}
{{- with .Values.image -}}
{{- if eq .tag "latest" }}
image.tag must not be latest: nobody could say what runs, and no rollback would lead back; name a version, or image.digest
{{- else if not (regexMatch "^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$" .tag) }}
image.tag must be a tag such as 0.1.0, not {{ .tag | quote }}
{{- end -}}
{{- if not (regexMatch "^[^:@ ]+(:[0-9]+/[^:@ ]+)?$" (.repository | default "")) }}
image.repository must be a name such as ghcr.io/you/authgear-forward-auth, without tag and digest: they go into image.tag and image.digest
{{- end -}}
{{- if not (regexMatch "^(sha256:[0-9a-f]{64})?$" .digest) }}
image.digest must be sha256: and 64 hexadecimal digits
{{- end -}}
{{- end -}}
{{- $names := dict
  "nameOverride" .Values.nameOverride
  "fullnameOverride" .Values.fullnameOverride
  "existingConfigMap" .Values.existingConfigMap
  "secret.existing" .Values.secret.existing
  "tls.secretName" .Values.tls.secretName
  "traefik.caSecret" .Values.traefik.caSecret
  "redis.existingSecret" .Values.redis.existingSecret
  "proxy.namespace" .Values.proxy.namespace -}}
{{- range $path, $name := $names -}}
{{- if not (regexMatch "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$" ($name | default "")) }}
{{ $path }} must be a name in Kubernetes: small letters, digits and dashes, 63 at most; not {{ $name | quote }}
{{- end -}}
{{- end -}}
{{- if lt (int .Values.replicas) 1 }}
replicas must be 1 or more: without a replica every proxy refuses everybody
{{- end -}}
{{- range list "limits" "requests" -}}
{{- if not (dig . "memory" "" $.Values.resources) }}
resources.{{ . }}.memory is missing: V8's limits and what is remembered follow it (docs/operations.md)
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if or (lt (int .minReplicas) 1) (gt (int .minReplicas) (int .maxReplicas)) }}
autoscaling.minReplicas must be 1 or more and at most autoscaling.maxReplicas, not {{ .minReplicas }} and {{ .maxReplicas }}
{{- end -}}
{{- if or (lt (int .targetCPUUtilizationPercentage) 1) (gt (int .targetCPUUtilizationPercentage) 100) }}
autoscaling.targetCPUUtilizationPercentage must be from 1 to 100, not {{ .targetCPUUtilizationPercentage }}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^[0-9]+(s|m)$" .Values.serviceMonitor.interval) }}
serviceMonitor.interval must be a number with s or m, such as 30s, not {{ .Values.serviceMonitor.interval | quote }}
{{- end -}}
{{- if not .Values.prometheusRule.runbook }}
prometheusRule.runbook must say where the alerts' links lead: an address of your copy of docs/runbook.md
{{- end -}}
{{- end -}}
