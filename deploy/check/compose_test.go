package check_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// dotenv is what deploy/.env is to hold.
var dotenv = []string{
	"ANCHOR_KEY=lmPgiLWRwdPCxTuZ2lUaYPylOSVpWg52B9qBRH6v1Cw=", "MASTER_KEY=RlSYPqywq0YcNZbKiwrCCbU+u+ba96Ycz0VAZq/D65o=",
	"API_KEY_SHA256=e53b49dc858e0d5bd9e759bf15ecfa01f21d76e6f61274a4a0e84b77ed0a5a2f", "REDIS_PASSWORD=of-your-choice",
}

func project(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "deploy", "compose.yaml")}, cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(t.Context())
}

func TestTheComposeFileIsOne(t *testing.T) {
	t.Parallel()
	p, err := project(t, dotenv...)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.ServiceNames(); !slices.Equal(got, []string{"api", "mail", "redis", "worker"}) {
		t.Errorf("services %v", got)
	}
	redis := strings.Join(p.Services["redis"].Command, " ")
	for _, want := range []string{"--appendonly yes", "--maxmemory-policy noeviction", "--requirepass of-your-choice"} {
		if !strings.Contains(redis, want) {
			t.Errorf("Redis is not started with %s", want)
		}
	}
	for _, name := range []string{"api", "worker"} {
		s := p.Services[name]
		if !s.ReadOnly || len(s.CapDrop) == 0 || s.StopGracePeriod == nil || s.DependsOn["redis"].Condition != types.ServiceConditionHealthy {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for name, s := range p.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is open to the network at %s", name, port.Published)
			}
		}
	}
}

func TestTheComposeFileAsksForItsSecrets(t *testing.T) {
	t.Parallel()
	for i, line := range dotenv {
		name, _, _ := strings.Cut(line, "=")
		if _, err := project(t, slices.Delete(slices.Clone(dotenv), i, i+1)...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// The processes themselves read what the file gives them. There is no Redis of that
// name here, so that is all they may find fault with.
func TestTheProcessesUnderstandTheirComposeFile(t *testing.T) {
	t.Parallel()
	p, err := project(t, dotenv...)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "api")
	run(t, root, nil, "go", "build", "-o", bin, "./cmd/api")
	env := []string{}
	for name, value := range p.Services["api"].Environment {
		env = append(env, name+"="+*value)
	}
	env = append(env, "OTPIPE_REDIS_URL=redis://127.0.0.1:1/0", "PATH="+os.Getenv("PATH"))
	said, err := try(t, t.TempDir(), env, bin, "-check")
	if err == nil || !strings.Contains(said, "caller      shop: send, check, read") || !strings.Contains(said, "email: sink") {
		t.Errorf("%v\n%s", err, said)
	}
}
