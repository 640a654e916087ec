package config

import (
	"encoding"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
)

// assign writes a variable's text into a setting. Commas separate the parts of
// a list.
func assign(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return assign(v.Elem(), text)
	case reflect.Slice:
		return assignList(v, strings.Split(text, ","), assign)
	case reflect.Map:
		return assignMap(v, strings.Split(text, ","))
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	return assignPlain(v, text)
}

func assignPlain(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return valueError("want a whole number")
		}
		v.SetInt(int64(n))
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return valueError("want a number such as 2.5")
		}
		v.SetFloat(x)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return valueError("want true or false")
		}
		v.SetBool(b)
	default:
		return valueError("this can be set in the file only")
	}
	return nil
}

// assignMap reads texts by their names, as in add-phone:example.com,phone-auth:.
func assignMap(v reflect.Value, parts []string) error {
	all := map[string]string{}
	for _, part := range parts {
		name, text, ok := strings.Cut(part, ":")
		if !ok {
			return valueError("want name:value, and commas between several")
		}
		all[strings.TrimSpace(name)] = strings.TrimSpace(text)
	}
	v.Set(reflect.ValueOf(all))
	return nil
}

func assignList(v reflect.Value, parts []string, assign func(reflect.Value, string) error) error {
	all := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, part := range parts {
		if err := assign(all.Index(i), strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	v.Set(all)
	return nil
}

// assignFile writes a file's content into a secret, or its lines into a list of them.
func assignFile(v reflect.Value, path string) error {
	content, err := secretFile(path)
	if err != nil {
		return err
	}
	literal := func(v reflect.Value, text string) error {
		v.Set(reflect.ValueOf(NewSecret(text)))
		return nil
	}
	if v.Kind() == reflect.Slice {
		return assignList(v, strings.FieldsFunc(content, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }), literal)
	}
	return literal(v, content)
}

// secretFile reads a secret without the line breaks at its end. Its errors do
// not name the file: where it is named is said beside them.
func secretFile(path string) (string, error) {
	content, err := readSome(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", valueError("the secret's file is not there")
	case errors.Is(err, fs.ErrPermission):
		return "", valueError("the secret's file may not be read by this user")
	case err != nil:
		return "", valueError("the secret's file cannot be read")
	case len(content) > maxSecret:
		return "", valueError("the secret's file is too large to be one")
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// maxSecret is the size of a secret's file in bytes.
const maxSecret = 64 << 10

func readSome(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxSecret+1))
}

// reason is what may be said of a value that cannot be read: our own words,
// which never quote it.
func reason(err error) string {
	if ve, ok := errors.AsType[valueError](err); ok {
		return string(ve)
	}
	return "not a value of the right kind"
}
