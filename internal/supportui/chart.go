package supportui

import (
	"fmt"
	"strings"
	"time"
)

// The picture of a chart, in its own units: the page scales it.
const (
	chartHeight = 90
	slotWidth   = 15
	barWidth    = 11
	barInset    = (slotWidth - barWidth) / 2.
	headroom    = 8   // above the highest bar
	leastBar    = 1.5 // what happened once is seen beside a million
)

// chart is bars by hour, one above the other, drawn as SVG in a template. All it
// says is also in a table on the page: the picture has no words but its titles,
// which tell an hour to those who point at it.
type chart struct {
	ID     string // on the page
	Title  string
	Peak   string // what the highest bar stands for
	Desc   string // the picture in a sentence
	Layers []layer
	Slots  []slot
	Marks  []string // every sixth hour
}

// layer is one kind of bars. Kinds differ in pattern, not in colour alone.
type layer struct {
	kind
	Path string
}

// kind is what bars stand for. Pattern is that of its fill, if it has one.
type kind struct{ Class, Pattern, Label string }

// slot is an hour.
type slot struct {
	X    int
	Tell string
	Open bool // it is not over
}

// values are what the bars of a kind amount to, hour by hour.
type values struct {
	kind
	of []float64
}

// draw makes a chart of values that are stacked in their order. tell says an
// hour in words.
func draw(c chart, hours []time.Time, all []values, tell func(hour int) string) chart {
	for i, h := range hours {
		c.Slots = append(c.Slots, slot{X: i * slotWidth, Tell: fmt.Sprintf("%s: %s", h.UTC().Format("Mon 15:04"), tell(i)), Open: i == len(hours)-1})
		if i%6 == 0 {
			c.Marks = append(c.Marks, h.UTC().Format("15:04"))
		}
	}
	scale, foot := scaleOf(all, len(hours)), make([]float64, len(hours))
	for _, v := range all {
		if path := bars(v.of, scale, foot); path != "" {
			c.Layers = append(c.Layers, layer{v.kind, path})
		}
	}
	return c
}

// scaleOf lets the highest stack fill the picture.
func scaleOf(all []values, hours int) float64 {
	most := 0.
	for i := range hours {
		sum := 0.
		for _, v := range all {
			sum += v.of[i]
		}
		most = max(most, sum)
	}
	if most == 0 {
		return 0
	}
	return (chartHeight - headroom) / most
}

// bars is the path of a layer. foot is where each bar stands, and is raised by it.
func bars(of []float64, scale float64, foot []float64) string {
	var b strings.Builder
	for i, n := range of {
		if n <= 0 {
			continue
		}
		high := max(leastBar, n*scale)
		x, y := float64(i*slotWidth)+barInset, chartHeight-foot[i]-high
		_, _ = fmt.Fprintf(&b, "M%g %.1fh%dv%.1fh-%dz", x, y, barWidth, high, barWidth)
		foot[i] += high
	}
	return b.String()
}
