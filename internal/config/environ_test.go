package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/config"
)

// sample is a value of a type, as a variable has it and as it is then.
func sample(t *testing.T, typ reflect.Type) (text, want string) {
	t.Helper()
	switch typ {
	case reflect.TypeFor[string]():
		return "some text", "some text"
	case reflect.TypeFor[int](), reflect.TypeFor[*int]():
		return "7", "7"
	case reflect.TypeFor[float64]():
		return "2.5", "2.5"
	case reflect.TypeFor[bool](), reflect.TypeFor[*bool]():
		return "true", "true"
	case reflect.TypeFor[*string]():
		return "some text", "some text"
	case reflect.TypeFor[map[string]string]():
		return "one:1, two:", "map[one:1 two:]"
	case reflect.TypeFor[[]string]():
		return "one, two,three", "[one two three]"
	case reflect.TypeFor[config.Duration](), reflect.TypeFor[*config.Duration]():
		return "7m", "7m0s"
	case reflect.TypeFor[[]config.Duration]():
		return "7m, 8m", "[7m0s 8m0s]"
	case reflect.TypeFor[config.Secret]():
		return "sesame", "sesame"
	case reflect.TypeFor[[]config.Secret]():
		return "one,two", "[one two]"
	default:
		t.Fatalf("no sample of a %s", typ)
		return "", ""
	}
}

// told is a value in clear.
func told(v reflect.Value) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "<nil>"
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case config.Secret:
		return x.Reveal()
	case config.Duration:
		return time.Duration(x).String()
	}
	if v.Kind() == reflect.Slice {
		var all []string
		for i := range v.Len() {
			all = append(all, told(v.Index(i)))
		}
		return fmt.Sprint(all)
	}
	return fmt.Sprint(v.Interface())
}

// TestEveryValueCanBeSetFromTheEnvironment sets each by itself, in the first
// and second entry of a list that has two, in a third one, in a namespace that
// is built in and in one that stands in the file only.
func TestEveryValueCanBeSetFromTheEnvironment(t *testing.T) {
	text := good + "[[routes.rules]]\n[[routes.rules]]\n[namespaces.close-account]\n[namespaces.phone-auth]\n[[keys.ring]]\n[[events]]\n[[limits]]\n[[support.users]]\n[[support.users]]\n"
	for _, s := range settings(t) {
		for _, nth := range []string{"0", "1", "2"} {
			for _, ns := range []string{"phone-auth", "close-account", "add-email"} {
				path := strings.NewReplacer("dkim[]", "dkim[0]", "[]", "["+nth+"]", "<name>", ns).Replace(s.path)
				name := "OTPIPE_" + strings.ToUpper(strings.NewReplacer("[", "_", "]", "", ".", "_", "-", "_").Replace(path))
				value, want := sample(t, s.typ)
				t.Setenv(name, value)
				c, err := config.Parse(file, []byte(text))
				if err != nil && strings.Contains(err.Error(), "environment: "+name+": there") {
					t.Fatal(err)
				}
				if got := told(find(t, c, path)); got != want {
					t.Fatalf("%s: %s is %q, want %q: %v", name, path, got, want, err)
				}
				_ = os.Unsetenv(name)
			}
		}
	}
}

// find is the value behind a path such as providers[1].smtp.host.
func find(t *testing.T, c config.Config, path string) reflect.Value {
	t.Helper()
	v := reflect.ValueOf(c)
	for part := range strings.SplitSeq(path, ".") {
		name, index, listed := strings.Cut(part, "[")
		if v.Kind() == reflect.Map {
			if v = v.MapIndex(reflect.ValueOf(part)); !v.IsValid() {
				t.Fatalf("%s is not there", path)
			}
			continue
		}
		i := slices.IndexFunc(reflect.VisibleFields(v.Type()), func(f reflect.StructField) bool { return f.Tag.Get("toml") == name })
		v = v.Field(i)
		if listed {
			n := int(index[0] - '0')
			if n >= v.Len() {
				t.Fatalf("%s is not there", path)
			}
			v = v.Index(n)
		}
	}
	return v
}

func TestANamespaceKeepsWhatTheEnvironmentDoesNotSet(t *testing.T) {
	t.Setenv("OTPIPE_NAMESPACES_PHONE_AUTH_LIFE", "4m")
	t.Setenv("OTPIPE_NAMESPACES_CLOSE_ACCOUNT_DIGITS", "8")
	c := parse(t, good+"[namespaces.phone-auth]\ndigits = 9\n[namespaces.close-account]\n")
	p := c.Policies()
	if a := p["phone-auth"]; a.Life != 4*time.Minute || a.Digits != 9 || len(a.Channels) != 1 {
		t.Errorf("phone-auth: %+v", a)
	}
	if b := p["close-account"]; b.Life != 5*time.Minute || b.Digits != 8 {
		t.Errorf("close-account: %+v", b)
	}
}

func TestTheNamesOfNamespacesMayOverlap(t *testing.T) {
	t.Setenv("OTPIPE_NAMESPACES_PAY_MAX_LIFE", "8m")
	c := parse(t, good+"[namespaces.pay]\n")
	if p := c.Policies()["pay"]; p.MaxLife != 8*time.Minute {
		t.Fatal(p.MaxLife)
	}
	_, err := config.Parse(file, []byte(good+"[namespaces.pay]\n[namespaces.pay-max]\n"))
	want := "environment: OTPIPE_NAMESPACES_PAY_MAX_LIFE: this can mean namespaces.pay.max_life and namespaces.pay-max.life: set it in the file instead"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v", err)
	}
}

// A variable that sets nothing is a typing error: somebody believes in it.
func TestAVariableThatSetsNothingIsRefused(t *testing.T) {
	const none = ": there is no such setting"
	for name, want := range map[string]string{
		"OTPIPE_API_LISTNE":                  none + ": did you mean OTPIPE_API_LISTEN?",
		"OTPIPE_REDIS_QUEUEURL":              none + ": did you mean OTPIPE_REDIS_QUEUE_URL?",
		"OTPIPE_KEYS_ANCHOR_FIEL":            none + ": did you mean OTPIPE_KEYS_ANCHOR_FILE?",
		"OTPIPE_COLOUR":                      none,
		"OTPIPE_":                            none,
		"OTPIPE_API":                         none,
		"OTPIPE_API_LISTEN_FILE":             ": only secrets are read from files: want OTPIPE_API_LISTEN",
		"OTPIPE_PROVIDERS":                   none,
		"OTPIPE_PROVIDERS_O_NAME":            none + ": did you mean OTPIPE_PROVIDERS_0_NAME?",
		"OTPIPE_PROVIDERS_00_NAME":           none + ": did you mean OTPIPE_PROVIDERS_0_NAME?",
		"OTPIPE_PROVIDERS_1_SMTP_HSOT":       none + ": did you mean OTPIPE_PROVIDERS_1_SMTP_HOST?",
		"OTPIPE_PROVIDERS_4_NAME":            ": the entries before it are not there: the next is OTPIPE_PROVIDERS_3_…",
		"OTPIPE_KEYS_RING_9_SECRET":          ": the entries before it are not there: the next is OTPIPE_KEYS_RING_2_…",
		"OTPIPE_NAMESPACES_PHONE_AUHT_LIFE":  none + " of a namespace that is there: one of your own stands in the file: did you mean OTPIPE_NAMESPACES_PHONE_AUTH_LIFE?",
		"OTPIPE_NAMESPACES_PHONE_AUTH_LIVE":  none + " of a namespace that is there: one of your own stands in the file: did you mean OTPIPE_NAMESPACES_PHONE_AUTH_LIFE?",
		"OTPIPE_NAMESPACES_CHECKOUT_COOLING": none + " of a namespace that is there: one of your own stands in the file",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "s3cr3t")
			_, err := config.Parse(file, []byte(good))
			if err == nil || err.Error() != "environment: "+name+want {
				t.Fatalf("got %v\nwant environment: %s%s", err, name, want)
			}
		})
	}
}

func TestTheVariableOfTheFileIsKnown(t *testing.T) {
	t.Setenv("OTPIPE_CONFIG", "otpipe.toml")
	parse(t, good)
}

// Kubernetes sets these in every pod beside services named otpipe and
// otpipe-api; somebody who mistakes one for a setting is still told.
func TestTheVariablesOfKubernetesServicesAreNotTakenForSettings(t *testing.T) {
	for name, value := range map[string]string{
		"OTPIPE_SERVICE_HOST": "10.0.0.1", "OTPIPE_SERVICE_PORT": "8080", "OTPIPE_SERVICE_PORT_HTTP": "8080", "OTPIPE_PORT": "tcp://10.0.0.1:8080",
		"OTPIPE_PORT_8080_TCP": "tcp://10.0.0.1:8080", "OTPIPE_PORT_8080_TCP_PROTO": "tcp", "OTPIPE_PORT_8080_TCP_PORT": "8080", "OTPIPE_PORT_8080_TCP_ADDR": "10.0.0.1",
		"OTPIPE_API_SERVICE_HOST": "10.0.0.1", "OTPIPE_API_PORT": "tcp://10.0.0.1:8080", "OTPIPE_API_PORT_8080_TCP_ADDR": "10.0.0.1",
	} {
		t.Setenv(name, value)
	}
	if c := parse(t, good); c.API.Listen != "127.0.0.1:8000" {
		t.Fatal(c.API.Listen)
	}
	t.Setenv("OTPIPE_API_PORT", "8080")
	if _, err := config.Parse(file, []byte(good)); err == nil || !strings.HasPrefix(err.Error(), "environment: OTPIPE_API_PORT: there is no such setting") {
		t.Fatalf("got %v", err)
	}
}

func TestASecretOfTheEnvironmentMayLieInAFile(t *testing.T) {
	t.Setenv("OTPIPE_PROVIDERS_1_SMTP_PASSWORD_FILE", write(t, "env:not=a,name\r\n"))
	t.Setenv("OTPIPE_PROVIDERS_0_TWILIO_AUTH_TOKENS_FILE", write(t, "new\nold\n"))
	t.Setenv("OTPIPE_REDIS_URL_FILE", write(t, "redis://mounted:6379\n"))
	t.Setenv("REDIS_URL", "redis://platform:6379")
	c := parse(t, good)
	if got := c.Providers[1].SMTP.Password.Reveal(); got != "env:not=a,name" {
		t.Errorf("password %q", got)
	}
	if got := told(reflect.ValueOf(c.Providers[0].Twilio.AuthTokens)); got != "[new old]" {
		t.Errorf("tokens %s", got)
	}
	if got := c.Redis.URL.Reveal(); got != "redis://mounted:6379" {
		t.Errorf("redis %s", got)
	}
}

func TestASecretFromAVariableAndFromAFileIsRefused(t *testing.T) {
	t.Setenv("OTPIPE_KEYS_ANCHOR", someSecret)
	t.Setenv("OTPIPE_KEYS_ANCHOR_FILE", write(t, otherSecret))
	_, err := config.Parse(file, []byte(good))
	if err == nil || err.Error() != "environment: OTPIPE_KEYS_ANCHOR_FILE: keys.anchor: OTPIPE_KEYS_ANCHOR is set too: want one of them" {
		t.Fatalf("got %v", err)
	}
}

func TestASecretsFileThatCannotBeReadIsRefused(t *testing.T) {
	for path, why := range map[string]string{"/nowhere/s3cr3t": "the secret's file is not there", t.TempDir(): "the secret's file cannot be read", "/dev/zero": "the secret's file is too large to be one"} {
		t.Setenv("OTPIPE_KEYS_ANCHOR_FILE", path)
		if _, err := config.Parse(file, []byte(good)); err == nil || err.Error() != "environment: OTPIPE_KEYS_ANCHOR_FILE: keys.anchor: "+why {
			t.Errorf("got %v, want %s", err, why)
		}
	}
}

func TestWhatTheEnvironmentSetsWrongIsToldByItsVariable(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"OTPIPE_STORE_PARTITIONS":          {"3", "store.partitions: want a power of two up to 256"},
		"OTPIPE_WORKER_SMS_CONCURRENCY":    {"many", "worker.sms_concurrency: want a whole number"},
		"OTPIPE_STORE_RETENTION":           {"72", "store.retention: want a duration such as 90s, 5m or 72h"},
		"OTPIPE_NAMESPACES_ADD_EMAIL_LIFE": {"1s", "namespaces.add-email.life: want at least 30s"},
		"REDIS_URL":                        {"http://s3cr3t", "redis.url: want redis://user:password@host:6379/0, rediss:// for TLS, or a form for sentinels or a cluster as in docs/settings.md"},
		"PORT":                             {"s3cr3t", "api.listen: want an address such as :8080 or 127.0.0.1:8080"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, c.value)
			_, err := config.Parse(file, []byte(good))
			if err == nil || !strings.Contains(err.Error()+"\n", "environment: "+name+": "+c.want+"\n") {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// A secret may be put into the wrong variable.
func TestNoVariablesComplaintQuotesItsValue(t *testing.T) {
	for _, s := range settings(t) {
		name := "OTPIPE_" + strings.ToUpper(strings.NewReplacer("[]", "_1", "<name>", "phone-auth", ".", "_", "-", "_").Replace(s.path))
		name = strings.ReplaceAll(name, "-", "_")
		for _, name := range []string{name, name + "_FILE", name + "S"} {
			for _, value := range []string{planted, "file:" + planted, "env:" + planted, planted + "," + planted} {
				t.Setenv(name, value)
				if _, err := config.Parse(file, []byte(good)); err != nil {
					silent(t, "the complaint about "+name, err.Error(), []string{planted})
				}
				_ = os.Unsetenv(name)
			}
		}
	}
}

func TestWithoutAFileAComplaintNamesTheVariable(t *testing.T) {
	t.Setenv("OTPIPE_KEYS_RING_0_ID", "k1")
	_, err := config.Load("")
	want := "environment: OTPIPE_KEYS_ANCHOR: keys.anchor: want 32 random bytes in base64 or hex: openssl rand -base64 32\n" +
		"environment: OTPIPE_KEYS_PRIMARY: keys.primary: want the id of a key in the ring\n" +
		"environment: OTPIPE_KEYS_RING_0_SECRET: keys.ring[0].secret: want 32 random bytes in base64 or hex: openssl rand -base64 32"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v", err)
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Fatal("a file that is not there passes")
	}
}
