package ctl

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/otpipe/otpipe/internal/app"
)

// prices are what a segment costs, by how a number begins. A table is a file of
// CSV (prefix,price) or of TOML:
//
//	currency = "USD"
//	[prices]
//	"+49" = 0.0958
type prices struct {
	Currency string             `toml:"currency" json:"currency,omitempty"`
	Prices   map[string]float64 `toml:"prices" json:"prices"`
}

var (
	prefixForm = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`)
	errPrices  = errors.New("want prices of zero or more by prefixes such as +49")
)

// readPrices reads a table; without a path there is none.
func readPrices(path string) (*prices, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the file that the operator names
	if err != nil {
		return nil, ending{app.ExitUsage, fmt.Errorf("--prices: %w", err)}
	}
	read := fromTOML
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		read = fromCSV
	}
	p, err := read(string(text))
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return nil, ending{app.ExitUsage, fmt.Errorf("--prices: %s: %w", path, err)}
	}
	return p, nil
}

func fromTOML(text string) (*prices, error) {
	p := &prices{}
	d := toml.NewDecoder(strings.NewReader(text)).DisallowUnknownFields()
	return p, d.Decode(p)
}

// fromCSV takes a first line that holds no price for the names of the columns.
func fromCSV(text string) (*prices, error) {
	p := &prices{Prices: map[string]float64{}}
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = '#', -1, true
	for line := 1; ; line++ {
		fields, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return p, nil
		case err != nil:
			return nil, err
		case len(fields) < 2:
			return nil, fmt.Errorf("line %d: want prefix,price", line)
		}
		price, err := strconv.ParseFloat(strings.TrimSpace(fields[1]), 64)
		if err != nil && line == 1 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: want a price such as 0.0958", line)
		}
		p.Prices["+"+strings.TrimLeft(strings.TrimSpace(fields[0]), "+")] = price
	}
}

func (p *prices) check() error {
	for prefix, price := range p.Prices {
		if !prefixForm.MatchString(prefix) || price < 0 {
			return errPrices
		}
	}
	if len(p.Prices) == 0 {
		return errPrices
	}
	return nil
}

// of is what a segment to a number costs: the longest prefix counts.
func (p *prices) of(number string) (price float64, prefix string, known bool) {
	for _, prefix := range slices.SortedFunc(maps.Keys(p.Prices), longest) {
		if strings.HasPrefix(number, prefix) {
			return p.Prices[prefix], prefix, true
		}
	}
	return 0, "", false
}

func longest(a, b string) int { return cmp.Compare(len(b), len(a)) }

// money is an amount as people read it.
func (p *prices) money(amount float64) string {
	return strings.TrimSpace(strconv.FormatFloat(amount, 'f', 4, 64) + " " + p.Currency)
}

// table is what texts of so many segments cost, by prefix.
func (p *prices) table(to *paper, segments []int) {
	head := []string{"PREFIX"}
	for _, n := range segments {
		head = append(head, plural(n, "SEGMENT", "SEGMENTS"))
	}
	var rows [][]cell
	for _, prefix := range slices.Sorted(maps.Keys(p.Prices)) {
		r := row(prefix)
		for _, n := range segments {
			r = append(r, cell{text: p.money(float64(n) * p.Prices[prefix])})
		}
		rows = append(rows, r)
	}
	to.table(head, rows)
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
