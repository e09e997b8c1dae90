{{- define "forward-auth.notes" -}}
forward-auth answers at {{ ternary "https" "http" (ne .Values.tls.secretName "") }}://{{ include "forward-auth.fullname" . }}.{{ .Release.Namespace }}.svc:4180/verify{{ if .Values.grpc.enabled }}, Envoy's gRPC at port 4183{{ end }}{{ if .Values.events.enabled }}, apps follow the events at port 4184{{ end }}

Who may ask it:
{{- if not .Values.networkPolicy.enabled }}
  every pod of the cluster: networkPolicy.enabled is false
{{- else if not (kindIs "invalid" .Values.networkPolicy.proxies) }}
  {{ ternary "whom networkPolicy.proxies names" "NOBODY: networkPolicy.proxies is empty" (not (empty .Values.networkPolicy.proxies)) }}
{{- else if or .Values.proxy.namespace .Values.proxy.podLabels }}
  the pods of namespace {{ default .Release.Namespace .Values.proxy.namespace }}{{ with .Values.proxy.podLabels }} with the labels {{ toJson . }}{{ end }}
{{- else if .Values.gateway.enabled }}
  the pods of namespace {{ include "forward-auth.gatewayNamespaces" . | fromJsonArray | join ", " }}, by gateway.parentRefs. If the Gateway's proxy runs
  elsewhere, set proxy.namespace
{{- else }}
  THE VALUES NAME NO PROXY: only pods of namespace {{ .Release.Namespace }} may ask. A proxy in another namespace gets no answer, and refuses
  everybody, until you name it:
    --set proxy.namespace=traefik --set-json 'proxy.podLabels={"app.kubernetes.io/name":"traefik"}'
{{- end }}
{{- if .Values.redis.deploy }}

Redis: {{ include "forward-auth.redis.fullname" . }}; its password is in the Secret {{ include "forward-auth.redis.secret" . }}
{{- if .Values.redis.persistence.enabled }}
  Its files are in the PersistentVolumeClaim {{ default (include "forward-auth.redis.fullname" .) .Values.redis.persistence.existingClaim }}, which stays when the release is uninstalled
{{- else }}
  IT KEEPS NOTHING ON DISK: a restart unblocks every client, and ends every session of LOGIN_SESSION=own
{{- end }}
{{- end }}
{{- if and .Values.traefik.enabled (contains "-" .Release.Namespace) }}

The namespace {{ .Release.Namespace }} has a dash: without --providers.kubernetescrd.safenaming=true (Traefik 3.7.11 or newer) a Middleware
of another namespace can take the place of one of these: docs/proxies/kubernetes.md
{{- end }}

Is it well?
  kubectl -n {{ .Release.Namespace }} rollout status deployment/{{ include "forward-auth.fullname" . }}
  kubectl -n {{ .Release.Namespace }} get --raw "/api/v1/namespaces/{{ .Release.Namespace }}/services/{{ include "forward-auth.fullname" . }}:management/proxy/readyz"

Route the public to your proxy only, never to this service. How each proxy asks: docs/kubernetes.md
{{- end -}}
