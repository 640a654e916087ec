package check_test

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	manifests "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// everything are values that turn on all that the chart has.
const everything = `
image: {tag: "1.2.3"}
imagePullSecrets: [{name: registry}]
api:
  autoscaling: {enabled: true}
  ingress: {enabled: true, className: nginx, host: otp.example.com, tlsSecret: otp-tls}
  podAnnotations: {example.com/team: login}
  nodeSelector: {kubernetes.io/arch: amd64}
  tolerations: [{key: spot, operator: Exists}]
worker:
  keda:
    enabled: true
    redis: {enabled: true, address: "redis:6379", passwordKey: REDIS_PASSWORD}
  bounces: {enabled: true}
support:
  enabled: true
  from: [{podSelector: {matchLabels: {app: oauth-proxy}}}]
networkPolicy:
  apiFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}]
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}, {port: 6379}]}]
serviceMonitor: {enabled: true, labels: {release: prometheus}}
prometheusRule: {enabled: true}
serviceAccount: {annotations: {example.com/role: otp}}
`

// render makes the manifests of some values, as helm template does.
func render(t *testing.T, values string) ([]string, error) {
	t.Helper()
	chart, err := loader.Load(filepath.Join(root, "deploy", "helm", "otpipe"))
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	all, err := util.ToRenderValues(chart, given, common.ReleaseOptions{Name: "otp", Namespace: "login"}, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.RenderWithContext(t.Context(), chart, all)
	var docs []string
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") {
			docs = append(docs, documents(t, text)...)
		}
	}
	return docs, err
}

func documents(t *testing.T, text string) (all []string) {
	t.Helper()
	r := manifests.NewDocumentDecoder(io.NopCloser(strings.NewReader(text)))
	buffer := make([]byte, 1<<20)
	for {
		n, err := r.Read(buffer)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(strings.ReplaceAll(string(buffer[:n]), "---", "")) != "" {
			all = append(all, string(buffer[:n]))
		}
	}
}

// decode reads a manifest, in which every field must be one of its kind's.
func decode(t *testing.T, text string) runtime.Object {
	t.Helper()
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	o, _, err := strict.Decode([]byte(text), nil, nil)
	if err == nil {
		return o
	}
	if runtime.IsNotRegisteredError(err) {
		return custom(t, text)
	}
	t.Errorf("%v\n%s", err, text)
	return nil
}

// custom holds a manifest of KEDA or the Prometheus operator to an extract of its
// CRD.
func custom(t *testing.T, text string) runtime.Object {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	kinds, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, "deploy", "check", "testdata", "crds.json")))
	if err != nil {
		t.Fatal(err)
	}
	kind := fmt.Sprintf("%s/%s", m["apiVersion"], m["kind"])
	schema, there := kinds.(map[string]any)[kind]
	if !there {
		t.Fatalf("nobody knows %s", kind)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("crd.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("crd.json")
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(again)))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(v); err != nil {
		t.Errorf("%s: %v\n%s", kind, err, text)
	}
	return nil
}

func objects(t *testing.T, values string) (all []runtime.Object, kinds []string) {
	t.Helper()
	docs, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range docs {
		var m struct{ Kind string }
		if err := yaml.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		kinds = append(kinds, m.Kind)
		all = append(all, decode(t, text))
	}
	slices.Sort(kinds)
	return all, kinds
}

func TestTheChartMakesManifestsThatKubernetesTakes(t *testing.T) {
	t.Parallel()
	_, kinds := objects(t, "")
	want := []string{"ConfigMap", "Deployment", "Deployment", "NetworkPolicy", "NetworkPolicy", "PodDisruptionBudget", "PodDisruptionBudget", "Service", "ServiceAccount"}
	if !slices.Equal(kinds, want) {
		t.Errorf("by itself it makes %v", kinds)
	}
	_, kinds = objects(t, everything)
	for _, kind := range []string{"HorizontalPodAutoscaler", "Ingress", "PrometheusRule", "ScaledObject", "ServiceMonitor", "TriggerAuthentication"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("with everything it makes no %s, but %v", kind, kinds)
		}
	}
}

func TestThePodsMayDoNothingButTheirWork(t *testing.T) {
	t.Parallel()
	all, _ := objects(t, everything)
	found := 0
	for _, o := range all {
		d, ok := o.(*appsv1.Deployment)
		if !ok {
			continue
		}
		found++
		pod, c := d.Spec.Template.Spec, d.Spec.Template.Spec.Containers[0]
		s := c.SecurityContext
		if !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault ||
			*s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || *pod.AutomountServiceAccountToken {
			t.Errorf("%s may more than it should", d.Name)
		}
		// preStop and the longest drain, docs/operations.md.
		if grace := *pod.TerminationGracePeriodSeconds; grace < 5+25 {
			t.Errorf("%s has %d seconds to stop", d.Name, grace)
		}
		if c.LivenessProbe.HTTPGet.Path != "/livez" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.StartupProbe == nil {
			t.Errorf("%s: probes %+v", d.Name, c)
		}
		if d.Spec.Replicas != nil {
			t.Errorf("%s: the chart and the autoscaler both say how many there are", d.Name)
		}
	}
	if found != 2 {
		t.Errorf("%d deployments", found)
	}
}

func TestTheSupportPagesAreOnNoWayOfTheAPI(t *testing.T) {
	t.Parallel()
	all, _ := objects(t, everything)
	for _, o := range all {
		switch o := o.(type) {
		case *networkingv1.Ingress:
			for _, p := range o.Spec.Rules[0].HTTP.Paths {
				if p.Backend.Service.Name != "otp-otpipe-api" || p.Path != "/v1/receipts" {
					t.Errorf("the ingress leads %s to %s", p.Path, p.Backend.Service.Name)
				}
			}
		case *corev1.Service:
			for _, p := range o.Spec.Ports {
				if (p.TargetPort.StrVal == "support") != (o.Name == "otp-otpipe-support") {
					t.Errorf("the Service %s leads to %s", o.Name, p.TargetPort.StrVal)
				}
			}
		case *networkingv1.NetworkPolicy:
			for _, in := range o.Spec.Ingress {
				for _, p := range in.Ports {
					if p.Port.StrVal == "support" && (len(in.From) != 1 || in.From[0].PodSelector.MatchLabels["app"] != "oauth-proxy") {
						t.Errorf("%s lets %+v to the support pages", o.Name, in.From)
					}
				}
			}
		}
	}
}

func TestTheChartRefusesValuesThatMeanNothing(t *testing.T) {
	t.Parallel()
	for values, where := range map[string]string{
		"api: {replica: 3}":                                "replica",
		"worker: {replicas: many}":                         "replicas",
		"image: {digest: latest}":                          "digest",
		"api: {ingress: {enabled: true}}":                  "host",
		"api: {ingress: {enabled: true, host: a.example}}": "apiFrom",
		"worker: {keda: {redis: {enabled: true}}}":         "address",
		"api: {ingress: {paths: [/support]}}":              "paths",
		"existingSecret: ''":                               "existingSecret",
		"worker: {keda: {prometheus: {oldestSeconds: 0}}}": "oldestSeconds",
		"worker: {podDisruptionBudget: {minAvailable: 1}}": "podDisruptionBudget",
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: %v", values, err)
		}
	}
}

func TestTheChartsAlertsAreTheAlerts(t *testing.T) {
	t.Parallel()
	if read(t, "deploy", "helm", "otpipe", "files", "alerts.yaml") != read(t, "deploy", "prometheus", "alerts.yaml") {
		t.Error("copy deploy/prometheus/alerts.yaml to deploy/helm/otpipe/files")
	}
}
