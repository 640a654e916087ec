package otp

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Place is what an address tells of itself.
type Place struct {
	Country    string // of a number, as ISO 3166-1 alpha-2; "" if it belongs to none
	VoIP       bool   // a number of internet telephony: cheap to have by the thousand
	Disposable bool   // a mailbox of a domain where anybody gets one for an hour
}

// Anywhere stands for all countries, in a list of them or where one has a price.
const Anywhere = "*"

// Money is an amount in millionths of the unit that prices are in.
type Money int64

var moneyForm = regexp.MustCompile(`^([0-9]{1,9})(?:\.([0-9]{1,6}))?$`)

// ErrMoney means that a text is no amount.
var ErrMoney = errors.New("want an amount such as 0.075")

// ParseMoney reads a decimal number of at most six places.
func ParseMoney(s string) (Money, error) {
	m := moneyForm.FindStringSubmatch(s)
	if m == nil {
		return 0, ErrMoney
	}
	n, err := strconv.ParseInt(m[1]+m[2]+strings.Repeat("0", 6-len(m[2])), 10, 64)
	return Money(n), err
}

// String is the amount with as many places as it has, at least two.
func (m Money) String() string {
	s := strings.TrimRight(fmt.Sprintf("%d.%06d", m/1e6, m%1e6), "0")
	if whole, places, _ := strings.Cut(s, "."); len(places) < 2 {
		return whole + "." + (places + "00")[:2]
	}
	return s
}

// Prices are what a text costs, by country; Anywhere is every other one.
type Prices map[string]Money

// Of is the price of a text to a country.
func (p Prices) Of(country string) Money {
	if m, ok := p[country]; ok {
		return m
	}
	return p[Anywhere]
}
