package config_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

func TestALimitThatIsWrongIsSaidWithWhatItWants(t *testing.T) {
	t.Parallel()
	const fine = "name = \"per-ip\"\nby = [\"ip\"]\nmax = 20\ninterval = \"1h\"\n"
	for change, want := range map[string]string{
		"":                       "",
		`name = "Per IP"`:        "limits[0].name: want a name of its own",
		`name = "daily-spend"`:   "limits[0].name: want a name of its own",
		`by = []`:                "limits[0].by: name at least one of",
		`by = ["ip", "ip"]`:      "limits[0].by: want some of",
		`by = ["shoe-size"]`:     "limits[0].by: want some of",
		`by = ["prefix"]`:        "limits[0].digits: want how many of a number's first digits count",
		`digits = 7`:             "limits[0].digits: this is for limits by prefix",
		`max = 0`:                "limits[0].max: want 1 or more",
		`interval = "10ms"`:      "limits[0].interval: want 1s to 720h",
		`interval = "721h"`:      "limits[0].interval: want 1s to 720h",
		`channels = ["fax"]`:     "limits[0].channels: want sms or email",
		`countries = ["de"]`:     "limits[0].countries: want ISO codes such as DE",
		`namespaces = ["other"]`: "limits[0].namespaces: one of them is not a namespace",
	} {
		setting, _, _ := strings.Cut(change, " =")
		var lines []string
		for line := range strings.Lines(fine) {
			if change == "" || !strings.HasPrefix(line, setting+" =") {
				lines = append(lines, line)
			}
		}
		_, err := config.Parse(file, []byte(least+"[[limits]]\n"+strings.Join(lines, "")+change+"\n"))
		switch {
		case want == "" && err != nil:
			t.Error(err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestADestinationThatIsWrongIsSaidWithWhatItWants(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`countries = ["Germany"]`:                        `countries: want ISO 3166 codes such as "DE", or "*" for all`,
		`deny_prefixes = ["0151"]`:                       `deny_prefixes: want beginnings of numbers`,
		`daily_spend = { DE = "50" }`:                    "destinations.prices: want a price for DE, whose daily spend in ",
		`daily_spend = { DE = "5,0" }`:                   "destinations.daily_spend: want amounts such as",
		`daily_spend = { de = "50" }`:                    "destinations.daily_spend: want ISO codes",
		"prices = { DE = \"free\" }":                     "destinations.prices: want amounts such as",
		"prices = { Germany = \"1\" }":                   "destinations.prices: want ISO codes",
		"prices = { DE = \"0.0000001\" }":                "destinations.prices: want amounts such as",
		"prices = { DE = 0.075 }":                        `want text in "quotes"`,
		"[namespaces.add-phone]\ndaily_spend={DE=\"1\"}": "destinations.prices: want a price for DE, whose daily spend in add-phone is limited",
	} {
		_, err := config.Parse(file, []byte(least+"[destinations]\n"+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTextsThatGoNowhereAreWarnedOf(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, `countries = ["DE", "*"]`, "", 1)
	c := parse(t, text)
	if all := strings.Join(c.Warnings(), "\n"); !strings.Contains(all, "destinations.countries: it is not set, so texts of add-phone, phone-auth, verify-phone are refused") {
		t.Errorf("%s", all)
	}
	if all := strings.Join(parse(t, good).Warnings(), "\n"); strings.Contains(all, "destinations.countries") {
		t.Errorf("%s", all)
	}
}
