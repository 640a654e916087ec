package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	prefix     = "OTPIPE_"
	fileSuffix = "_FILE" // of a variable that names the file of a secret

	// ConfigVariable names the configuration file; it is read by the processes.
	ConfigVariable = prefix + "CONFIG"
)

// others are variables that begin as ours do and are no settings: those of
// commands that may run beside a process.
var others = []string{ConfigVariable, prefix + "URL", prefix + "KEY"}

// environment sets settings from variables. A variable is named after its
// setting's path: OTPIPE_PROVIDERS_1_SMTP_HOST is providers[1].smtp.host, and
// OTPIPE_NAMESPACES_PHONE_AUTH_LIFE is namespaces.phone-auth.life.
type environment struct {
	vars  map[string]string // that are ours and not empty
	used  map[string]string // the setting that a variable set
	from  map[string]string // the variable that set a setting
	names []string          // all that would have set something
	lists map[string]int    // how many entries each list has, by its variables' beginning
	wrong complaints
}

func newEnvironment(vars []string) *environment {
	e := &environment{vars: map[string]string{}, used: map[string]string{}, from: map[string]string{}, lists: map[string]int{}}
	for _, v := range vars {
		if name, value, _ := strings.Cut(v, "="); value != "" {
			e.vars[name] = value
		}
	}
	return e
}

// over reads the variables over c.
func (e *environment) over(c *Config) {
	e.table(reflect.ValueOf(c).Elem(), "", prefix)
	e.platform("redis.url", "REDIS_URL", func(value string) { c.Redis.URL = NewSecret(value) })
	e.platform("api.listen", "PORT", func(value string) { c.API.Listen = ":" + value })
	for _, name := range slices.Sorted(maps.Keys(e.vars)) {
		if strings.HasPrefix(name, prefix) && e.used[name] == "" && !slices.Contains(others, name) && !fromKubernetes(name, e.vars[name]) {
			e.say(name, "", e.unknown(name))
		}
	}
}

// platform takes a variable as hosting platforms set it, where ours is not set.
func (e *environment) platform(setting, name string, set func(value string)) {
	if value := e.vars[name]; value != "" && e.from[setting] == "" {
		set(value)
		e.from[setting] = name
	}
}

func (e *environment) say(variable, setting, want string) {
	e.wrong = append(e.wrong, complaint{place{variable: variable}, setting, want})
}

// table reads the variables of a table.
func (e *environment) table(v reflect.Value, path, name string) {
	for f := range fields(v.Type()) {
		e.field(v.Field(f.index), joined(path, f.name), name+strings.ToUpper(f.name))
	}
}

func (e *environment) field(v reflect.Value, path, name string) {
	switch table := isTable(elem(v.Type())); {
	case !table:
		e.value(v, path, name)
	case v.Kind() == reflect.Slice:
		e.list(v, path, name+"_")
	case v.Kind() == reflect.Map:
		e.namespaces(v, path, name+"_")
	default:
		e.table(v, path, name+"_")
	}
}

// list reads the variables of the entries that are there, and adds the next
// one as long as there is a variable for it.
func (e *environment) list(v reflect.Value, path, name string) {
	for i := 0; ; i++ {
		one := fmt.Sprintf("%s%d_", name, i)
		if i == v.Len() {
			if !e.any(one) {
				e.lists[name] = i
				return
			}
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		}
		e.table(v.Index(i), entry(path, i), one)
	}
}

func (e *environment) any(prefix string) bool {
	for name := range e.vars {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// namespaces reads the variables of the built-in namespaces and those of the
// file. It makes none: a name that is misspelt would be one.
func (e *environment) namespaces(v reflect.Value, path, name string) {
	all, _ := v.Interface().(map[string]Namespace)
	c := Config{Namespaces: all}
	changed := map[string]Namespace{}
	maps.Copy(changed, all)
	for _, ns := range slices.Sorted(maps.Keys(c.Policies())) {
		one, before := all[string(ns)], len(e.used)
		e.table(reflect.ValueOf(&one).Elem(), path+"."+string(ns), name+shout(string(ns))+"_")
		if len(e.used) > before {
			changed[string(ns)] = one
		}
	}
	if len(changed) > 0 {
		v.Set(reflect.ValueOf(changed))
	}
}

// variableOf is the variable that sets a setting.
func variableOf(path string) string {
	return prefix + shout(strings.NewReplacer("[", "_", "]", "", ".", "_").Replace(path))
}

func shout(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// value reads the variable of a setting, or for a secret the file that a
// variable names, as Docker and others mount them.
func (e *environment) value(v reflect.Value, path, name string) {
	text, plain := e.offered(name)
	if elem(v.Type()) == reflect.TypeFor[Secret]() {
		if from, mounted := e.offered(name + fileSuffix); mounted {
			e.set(name+fileSuffix, path, func() error { return assignFile(v, from) })
			if plain {
				e.say(name+fileSuffix, path, name+" is set too: want one of them")
			}
		}
	}
	if plain {
		e.set(name, path, func() error { return assign(v, text) })
	}
}

func (e *environment) offered(name string) (value string, set bool) {
	e.names = append(e.names, name)
	value, set = e.vars[name]
	return value, set
}

func (e *environment) set(name, path string, assign func() error) {
	if other := e.used[name]; other != "" {
		e.say(name, "", "this can mean "+other+" and "+path+": set it in the file instead")
		return
	}
	e.used[name], e.from[path] = path, name
	if err := assign(); err != nil {
		e.say(name, path, reason(err))
	}
}

// unknown is what to say about a variable that sets nothing.
func (e *environment) unknown(name string) string {
	for list, next := range e.lists {
		if rest, ok := strings.CutPrefix(name, list); ok {
			number, _, _ := strings.Cut(rest, "_")
			if i, err := strconv.Atoi(number); err == nil && i > next {
				return fmt.Sprintf("the entries before it are not there: the next is %s%d_…", list, next)
			}
		}
	}
	if plain, ok := strings.CutSuffix(name, fileSuffix); ok && slices.Contains(e.names, plain) {
		return "only secrets are read from files: want " + plain
	}
	if strings.HasPrefix(name, prefix+"NAMESPACES_") {
		return "there is no such setting of a namespace that is there: one of your own stands in the file" + didYouMean(name, e.names)
	}
	return "there is no such setting" + didYouMean(name, e.names)
}

// Kubernetes tells every pod of the services beside it: one named otpipe or
// otpipe-… has variables that begin as ours do.
var (
	serviceName  = regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)
	serviceValue = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

func fromKubernetes(name, value string) bool {
	return serviceName.MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceValue.MatchString(value)
}

// bad tells whether there is a complaint about a setting already.
func (e *environment) bad(setting string) bool {
	return slices.ContainsFunc(e.wrong, func(c complaint) bool { return c.setting == setting && setting != "" })
}
