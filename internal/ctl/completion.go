package ctl

import (
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

//go:embed completion/*
var scripts embed.FS

// completion prints a shell's script. It asks otpctl itself what may come next,
// so it is right for every version.
type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"${enum}."`
}

// Help says what to do with the script.
func (completion) Help() string {
	return `Once, for every shell that is opened later:

	echo 'source <(otpctl completion bash)' >> ~/.bashrc
	otpctl completion zsh > "${fpath[1]}/_otpctl"
	otpctl completion fish > ~/.config/fish/completions/otpctl.fish`
}

// Run prints the script.
func (c completion) Run(s *screen) error {
	text, err := scripts.ReadFile("completion/" + c.Shell)
	if err != nil {
		return fmt.Errorf("read script: %w", err)
	}
	_, err = s.out.Write(text)
	return err
}

// complete says what may come next after some words, the last of which may be
// half typed: a candidate and what it means on each line.
type complete struct {
	Words []string `arg:"" optional:""`
}

// files is the candidate that stands for all files.
const files = ":files"

// Run writes the candidates.
func (c complete) Run(s *screen, parser *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	for _, one := range candidates(parser.Model.Node, words[:len(words)-1], words[len(words)-1]) {
		if _, err := io.WriteString(s.out, one+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// candidates are what may follow words, where last is begun.
func candidates(at *kong.Node, words []string, last string) (all []string) {
	at, open := follow(at, words)
	if open != nil {
		return begun(valuesOf(open.Value), last)
	}
	if name, value, ok := strings.Cut(last, "="); ok {
		if flag := flagNamed(at, name); flag != nil {
			for _, v := range begun(valuesOf(flag.Value), value) {
				all = append(all, name+"="+v)
			}
		}
		return all
	}
	if strings.HasPrefix(last, "-") {
		return begun(flagsOf(at), last)
	}
	for _, child := range at.Children {
		if !child.Hidden {
			all = append(all, child.Name+"\t"+child.Help)
		}
	}
	for _, p := range at.Positional {
		all = append(all, valuesOf(p)...)
	}
	return begun(all, last)
}

// follow goes where words lead; open is a flag that wants its value next.
func follow(at *kong.Node, words []string) (end *kong.Node, open *kong.Flag) {
	for _, word := range words {
		if open != nil {
			open = nil
			continue
		}
		if flag := flagNamed(at, word); flag != nil && !flag.IsBool() {
			open = flag
			continue
		}
		for _, child := range at.Children {
			if child.Name == word {
				at = child
			}
		}
	}
	return at, open
}

func flagNamed(at *kong.Node, word string) *kong.Flag {
	for _, group := range at.AllFlags(false) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

func flagsOf(at *kong.Node) (all []string) {
	for _, group := range at.AllFlags(true) {
		for _, f := range group {
			all = append(all, "--"+f.Name+"\t"+f.Help)
		}
	}
	return all
}

// valuesOf are the values of a list of them, or files, or none.
func valuesOf(v *kong.Value) []string {
	if v.Enum != "" {
		return v.EnumSlice()
	}
	if v.Flag != nil && (v.Flag.PlaceHolder == "FILE" || v.Flag.PlaceHolder == "PATH") {
		return []string{files}
	}
	return nil
}

func begun(all []string, with string) (out []string) {
	for _, one := range all {
		if strings.HasPrefix(one, with) || one == files {
			out = append(out, one)
		}
	}
	return out
}
