{{/* The way in: proxy, login, Traefik's resources and routes */}}

{{- define "forward-auth.check.network" -}}
{{- if and (not (kindIs "invalid" .Values.networkPolicy.proxies)) (or .Values.proxy.namespace .Values.proxy.podLabels) }}
proxy and networkPolicy.proxies exclude each other: networkPolicy.proxies alone would count; take one of them away
{{- end -}}
{{- if and .Values.tls.clientCa (not .Values.tls.secretName) }}
tls.clientCa needs tls.secretName
{{- end -}}
{{- end -}}

{{- define "forward-auth.check.login" -}}
{{- $has := has "login-secret" .Values.secret.keys -}}
{{- with .Values.login -}}
{{- if and .enabled (not (and .clientId .publicUrl)) }}
login.enabled needs login.clientId and login.publicUrl: docs/login.md
{{- end -}}
{{- if and .enabled (not $has) }}
login.enabled needs login-secret in secret.keys: it seals a login on its way, the same for all replicas
{{- else if and $has (not .enabled) }}
the key login-secret of secret.keys needs login.enabled
{{- end -}}
{{- range splitList "," .publicUrl -}}
{{- if not (regexMatch "^(https://[a-z0-9.-]+)?$" .) }}
login.publicUrl must be https:// and a host in small letters, without a path, such as https://app.example.com; not {{ . | quote }}
{{- end -}}
{{- end -}}
{{- if and (contains "," .publicUrl) (ne .session "own") }}
login.publicUrl is one origin: several of them need login.session: own
{{- end -}}
{{- range .allowedHosts -}}
{{- if not (regexMatch "^([*][.])?[a-z0-9][a-z0-9.-]*$" .) }}
login.allowedHosts must be hosts such as www.example.com or *.example.com, not {{ . | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "forward-auth.check.traefik" -}}
{{- $names := .Values.traefik.identityHeaders -}}
{{- if .Values.traefik.enabled -}}
{{- if and .Values.tls.secretName (not .Values.traefik.caSecret) }}
traefik.caSecret is required with tls.secretName: the Secret with the authority's ca.crt
{{- end -}}
{{- if not .Values.traefik.policies }}
traefik.policies is empty: name one at least, such as { name: authgear, query: "" }
{{- end -}}
{{- if and .Values.config.IDENTITY_HEADERS (not $names) }}
traefik.identityHeaders is required with config.IDENTITY_HEADERS: a name of your own that is not in it reaches no app, and a client's does
{{- end -}}
{{- end -}}
{{- $seen := list (include "forward-auth.refuse" .) -}}
{{- range .Values.traefik.policies -}}
{{- if regexMatch "[-.]" .name }}
traefik.policies: the name {{ .name | quote }} must have no dash and no dot: Traefik joins namespace and name by a dash, and another namespace could make the same name and open the route; write {{ regexReplaceAll "[-.]" .name "" }} (docs/proxies/kubernetes.md)
{{- else if not (regexMatch "^[a-z0-9]{1,63}$" .name) }}
traefik.policies: the name {{ .name | quote }} must be of small letters and digits, 63 at most
{{- end -}}
{{- if has .name $seen }}
traefik.policies: the name {{ .name }} is there twice
{{- end -}}
{{- $seen = append $seen .name -}}
{{- if not (regexMatch "^[A-Za-z0-9_.:=&,-]*$" .query) }}
traefik.policies: the query of {{ .name }} must be a policy such as role=admin&verified=true, without a question mark, not {{ .query | quote }} (docs/policies.md)
{{- end -}}
{{- if and $.Values.traefik.enabled (contains "identity=" .query) (not $names) }}
traefik.identityHeaders is required with identity= in the policy {{ .name }}
{{- end -}}
{{- end -}}
{{- range $names -}}
{{- if not (regexMatch "^[A-Za-z][A-Za-z0-9-]{0,63}$" .) }}
traefik.identityHeaders must be names of headers: letters, digits and dashes, not {{ . | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* what else the route needs, templates/httproute.yaml says */}}
{{- define "forward-auth.check.gateway" -}}
{{- if and .Values.gateway.enabled (not .Values.gateway.rules) }}
gateway.rules is empty: a route without rules leads nowhere
{{- end -}}
{{- range .Values.gateway.rules -}}
{{- if not (hasPrefix "/" .path) }}
gateway.rules: the path {{ .path | quote }} must begin with a slash
{{- else if gt (len .path) 200 }}
gateway.rules: a path must be of 200 characters at most, or it would be tried before the rule that refuses
{{- end -}}
{{- if not .service }}
gateway.rules: the service of {{ .path }} is missing
{{- end -}}
{{- if or (lt (int .port) 1) (gt (int .port) 65535) }}
gateway.rules: the port of {{ .path }} must be from 1 to 65535, not {{ .port }}
{{- end -}}
{{- end -}}
{{- range .Values.gateway.hostnames -}}
{{- if not . }}
gateway.hostnames must be names of hosts, not ""
{{- end -}}
{{- end -}}
{{- end -}}
