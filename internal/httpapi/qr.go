package httpapi

import (
	"encoding/base64"
	"fmt"

	goqr "github.com/piglig/go-qr"
)

// qr is a text as pictures that phones read.
type qr struct{ png, svg string } // a data URI, a document

const (
	qrScale  = 6           // pixels a module
	qrBorder = 4 * qrScale // of white around it, as ISO 18004 wants
)

func qrOf(text string) (qr, error) {
	code, err := goqr.EncodeText(text, goqr.Medium)
	if err != nil {
		return qr{}, fmt.Errorf("make a QR code: %w", err)
	}
	look := goqr.NewQrCodeImgConfig(qrScale, qrBorder, goqr.WithOptimalSVG())
	png, err := code.ToPNGBytes(look)
	if err != nil {
		return qr{}, fmt.Errorf("draw a QR code: %w", err)
	}
	svg, err := code.ToSVGBytes(look)
	if err != nil {
		return qr{}, fmt.Errorf("draw a QR code: %w", err)
	}
	return qr{"data:image/png;base64," + base64.StdEncoding.EncodeToString(png), string(svg)}, nil
}
