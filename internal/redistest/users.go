package redistest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// usersFile has the users that are deployed, as rooms in internal see it.
const usersFile = "../../deploy/redis/users.acl"

// Admin is the file's user for those who run the server.
const Admin = "admin"

// Users are those of the file that may not do everything. Their passwords in tests are their names.
var Users = []string{"otpipe-api", "otpipe-worker", "otpipe-ctl"}

// nobody is how the file shuts out those who do not say who they are.
const nobody = "user default off"

// InstallUsers writes the file with passwords. A test itself is the default user,
// unless it shuts that out as the file does.
func InstallUsers(t testing.TB, path string, shut bool) {
	t.Helper()
	acl := readUsers(t)
	if !shut {
		acl = strings.Replace(acl, nobody, "user default on nopass ~* &* +@all", 1)
	}
	for _, user := range append([]string{Admin}, Users...) {
		sum := sha256.Sum256([]byte(user))
		acl = strings.Replace(acl, "#SHA256-OF-THE-PASSWORD-OF-"+user, "#"+hex.EncodeToString(sum[:]), 1)
	}
	if err := os.WriteFile(path, []byte(acl), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readUsers(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(usersFile)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), nobody+"\n") {
		t.Fatalf("%s does not have %q", usersFile, nobody)
	}
	return string(text)
}

// UserURL is a server as one of the users reaches it.
func UserURL(user, addr, db string) string {
	return "redis://" + user + ":" + user + "@" + addr + "/" + db
}

// Rules are what the file lets a user do: "+get", "~v:{??}*", "&channel". There is
// nothing else in it: no categories, and nothing taken back but everything at first.
func Rules(t testing.TB, user string) (all []string) {
	t.Helper()
	_, line, _ := strings.Cut(readUsers(t), "user "+user+" on ")
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if len(words) < 2 {
		t.Fatalf("%s has no %s", usersFile, user)
	}
	for _, rule := range words[1:] { // behind the password
		switch {
		case rule == "resetchannels" || rule == "-@all":
		case strings.ContainsAny(rule[:1], "+~&") && rule[1] != '@':
			all = append(all, rule)
		default:
			t.Fatalf("%s: %s is not how this file grants", user, rule)
		}
	}
	return all
}

// everybody may do what any of the users may.
const everybody = "otpipe"

// Limited is a client of the same database that may do no more than all the users
// together. The embedded server knows no users: there it may do everything.
func Limited(t testing.TB, c redis.UniversalClient) redis.UniversalClient {
	t.Helper()
	var rules []string
	for _, user := range Users {
		rules = append(rules, Rules(t, user)...)
	}
	return As(t, c, everybody, rules...)
}

// As is a client of the same database by a user with these rules and any password.
func As(t testing.TB, c redis.UniversalClient, user string, rules ...string) redis.UniversalClient {
	t.Helper()
	create := func(ctx context.Context, node *redis.Client) error {
		return node.ACLSetUser(ctx, user, append([]string{"on", "nopass"}, rules...)...).Err()
	}
	var made redis.UniversalClient
	var err error
	switch c := c.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(t.Context(), create)
		o := *c.Options()
		o.Username, o.Password = user, user
		o.DisableRoutingPolicies = true // as the processes do, who may not ask for COMMAND
		made = redis.NewClusterClient(&o)
	case *redis.Client:
		err = create(t.Context(), c)
		o := *c.Options()
		o.Username, o.Password = user, user
		made = redis.NewClient(&o)
	default:
		t.Fatalf("redistest: as a user of %T", c)
	}
	if redis.HasErrorPrefix(err, "unknown command") {
		return c
	}
	if err != nil {
		t.Fatalf("redistest: make %s: %v", user, err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}
