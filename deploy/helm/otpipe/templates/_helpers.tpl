{{- define "otpipe.name" -}}
{{- if contains "otpipe" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-otpipe{{ end }}
{{- end }}

{{- define "otpipe.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "otpipe.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "otpipe.name" .) }}
{{- end }}

{{/* Labels by which a process is selected: they never change. (list root "api") */}}
{{- define "otpipe.selector" -}}
app.kubernetes.io/name: otpipe
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "otpipe.labels" -}}
{{ include "otpipe.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{/* A process' pod: (list root "api" values ports) */}}
{{- define "otpipe.pod" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $own := index . 2 }}{{ $ports := index . 3 }}
metadata:
  labels:
    {{- include "otpipe.labels" (list $root $name) | nindent 4 }}
  annotations:
    checksum/config: {{ $root.Values.config | sha256sum }}
    {{- with $own.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "otpipe.serviceAccount" $root }}
  automountServiceAccountToken: false
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  # The processes stop within thirteen seconds, after traffic has gone elsewhere.
  terminationGracePeriodSeconds: 40
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "otpipe.selector" (list $root $name) | nindent 10 }}
  containers:
    - name: {{ $name }}
      image: {{ include "otpipe.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [/usr/local/bin/{{ $name }}]
      env:
        - {name: OTPIPE_CONFIG, value: /etc/otpipe/otpipe.toml}
      envFrom:
        - secretRef: {name: {{ $root.Values.existingSecret }}}
      ports:
        {{- range $ports }}
        - {name: {{ .name }}, containerPort: {{ .port }}}
        {{- end }}
      # An api that cannot reach Redis answers 503 by itself; a restart would not mend that.
      livenessProbe:
        httpGet: {path: /livez, port: admin}
        periodSeconds: 10
        failureThreshold: 3
        timeoutSeconds: 2
      readinessProbe:
        httpGet: {path: /readyz, port: admin}
        periodSeconds: 5
        failureThreshold: 2
        timeoutSeconds: 2
      startupProbe:
        httpGet: {path: /livez, port: admin}
        periodSeconds: 1
        failureThreshold: 30
      lifecycle:
        preStop:
          sleep: {seconds: 5}
      resources: {{- toYaml $own.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: config, mountPath: /etc/otpipe, readOnly: true}
  {{- with $own.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "otpipe.name" $root }}}
{{- end }}
