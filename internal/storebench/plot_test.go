package storebench_test

import (
	"fmt"
	"strings"
)

// plot draws how many right checks a second there are at 16 connections, and how many
// starts, as a bar for each way.
func (m measured) plot() string {
	const left, line, most = 150, 22, 420
	shown := []string{"start", "right check"}
	colours := map[string]string{"start": "#8aa4c8", "right check": "#2f5d9b"}
	top := 0.0
	for _, way := range wayNames {
		for _, o := range shown {
			top = max(top, m.of(16, o, way).rate)
		}
	}
	var b strings.Builder
	height := 50 + len(wayNames)*(len(shown)*line+14)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 %d" font-family="system-ui, sans-serif" font-size="13" fill="#444">`+"\n", height)
	b.WriteString(`<title>Requests a second at 16 connections, by where digests are kept</title>` + "\n")
	fmt.Fprintf(&b, `<text x="10" y="22" font-weight="600">Requests a second, 16 connections</text><rect x="330" y="12" width="12" height="12" fill="%s"/><text x="348" y="22">start</text><rect x="410" y="12" width="12" height="12" fill="%s"/><text x="428" y="22">right check</text>`+"\n", colours["start"], colours["right check"])
	y := 44
	for _, way := range wayNames {
		fmt.Fprintf(&b, `<text x="10" y="%d">%s</text>`+"\n", y+line, way)
		for _, o := range shown {
			rate := m.of(16, o, way).rate
			width := int(rate / top * most)
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/><text x="%d" y="%d">%.0f</text>`+"\n", left, y, width, line-4, colours[o], left+width+6, y+14, rate)
			y += line
		}
		y += 14
	}
	return b.String() + "</svg>\n"
}
