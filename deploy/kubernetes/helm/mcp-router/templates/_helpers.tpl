{{- define "mcp-router.name" -}}
{{ .Release.Name | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "mcp-router.selector" -}}
app.kubernetes.io/name: mcp-router
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mcp-router.labels" -}}
{{ include "mcp-router.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "mcp-router.secret" -}}
{{ .Values.secret.existing | default (include "mcp-router.name" .) }}
{{- end }}

{{- define "mcp-router.host" -}}
{{ if .Values.gateway.enabled }}{{ .Values.gateway.host }}{{ else if .Values.ingress.enabled }}{{ .Values.ingress.host }}{{ end }}
{{- end }}
