package e2e_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// places are the addresses of loopback that the users of deploy/redis come from.
var places = map[string]string{"otpipe-api": "127.0.0.2", "otpipe-worker": "127.0.0.3", "otpipe-ctl": "127.0.0.4"}

// deeds are what somebody had Redis do.
type deeds struct {
	commands map[string]bool // "xgroup|create" where a user may have one without the others
	words    map[string]bool // of all commands, keys and channels among them
	scripts  map[string]bool // by their text
}

// containers are commands that hold others.
var containers = map[string]bool{
	"acl": true, "client": true, "cluster": true, "command": true, "config": true, "memory": true, "script": true, "xgroup": true, "xinfo": true,
}

// ungranted are commands that everybody may use.
var ungranted = map[string]bool{"hello": true, "auth": true}

func (d deeds) called(command, first string) {
	command = strings.ToLower(command)
	if containers[command] {
		command += "|" + strings.ToLower(first)
	}
	if !ungranted[command] {
		d.commands[command] = true
	}
}

// calls are commands in the text of a script.
var calls = regexp.MustCompile(`call\(\s*['"](\w+)['"](?:,\s*['"](\w+)['"])?`)

// calledBy counts what a script may call, whether it did or not.
func (d deeds) calledBy(script string) {
	for _, m := range calls.FindAllStringSubmatch(script, -1) {
		d.called(m[1], m[2])
	}
}

// monitorLine is a line of MONITOR: who sent the command, or "lua" of the script before it.
var monitorLine = regexp.MustCompile(`^\+?[\d.]+ \[\d+ ([^\]:]*)[^\]]*\] (.*)$`)

// heard sorts what MONITOR told by who had it done.
func heard(t testing.TB, monitored string) map[string]deeds {
	t.Helper()
	all, at, scripts := map[string]deeds{}, map[string]string{}, map[string]string{}
	for user, place := range places {
		all[user], at[place] = deeds{map[string]bool{}, map[string]bool{}, map[string]bool{}}, user
	}
	who := ""
	for line := range strings.SplitSeq(monitored, "\r\n") {
		m := monitorLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != "lua" {
			who = at[m[1]]
		}
		if d, ok := all[who]; ok { // the others are the test itself
			d.did(unquoted(t, m[2]), scripts)
		}
	}
	for _, d := range all {
		for script := range d.scripts {
			d.calledBy(script)
		}
	}
	return all
}

// did counts a command. scripts are the texts that were sent so far, by their sums.
func (d deeds) did(words []string, scripts map[string]string) {
	command, args := words[0], append(words[1:], "")
	d.called(command, args[0])
	for _, word := range args {
		d.words[word] = true
	}
	switch strings.ToLower(command) {
	case "eval":
		sum := sha1.Sum([]byte(args[0])) // Redis names scripts so
		scripts[hex.EncodeToString(sum[:])] = args[0]
		d.scripts[args[0]] = true
	case "evalsha":
		d.scripts[scripts[args[0]]] = true
	}
}

// glob matches as Redis does, as far as the users' file needs it.
func glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$")
}

// unquoted reads words as MONITOR writes them.
func unquoted(t testing.TB, text string) (words []string) {
	t.Helper()
	for text != "" {
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			t.Fatalf("%.80s: %v", text, err)
		}
		w, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%.80s: %v", quoted, err)
		}
		words, text = append(words, w), strings.TrimPrefix(text[len(quoted):], " ")
	}
	return words
}

// transitions are the scripts of the store, each with the line it begins with.
func transitions(t testing.TB) map[string]string {
	t.Helper()
	const lua = "../redisstore/lua"
	files, err := filepath.Glob(lua + "/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v", err)
	}
	all := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		name = strings.TrimSuffix(filepath.Base(name), ".lua")
		if strings.HasPrefix(first, "-- "+name+": ") { // the others are included
			all[name] = first
		}
	}
	return all
}

// asynqScript is one of asynq's that no test can wait for.
func asynqScript(t testing.TB, file, name string) string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/hibiken/asynq").Output()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "internal/rdb", file))
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(source), fmt.Sprintf("var %s = redis.NewScript(`", name))
	script, _, _ = strings.Cut(script, "`")
	if !found || !calls.MatchString(script) {
		t.Fatalf("asynq has no %s any more", name)
	}
	return script
}
