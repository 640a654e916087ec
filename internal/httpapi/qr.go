package httpapi

import (
	"encoding/base64"
	"fmt"

	goqr "github.com/piglig/go-qr"
)

// qr is a text as pictures that phones read.
type qr struct{ png, svg string } // a data URI, a document

const (
	qrScale  = 6 // pixels a module, of the PNG
	qrBorder = 4 // modules of white around it, as ISO 18004 wants
)

func qrOf(text string) (qr, error) {
	code, err := goqr.EncodeText(text, goqr.Medium)
	if err != nil {
		return qr{}, fmt.Errorf("make a QR code: %w", err)
	}
	png, err := code.ToPNGBytes(goqr.NewQrCodeImgConfig(qrScale, qrBorder))
	if err != nil {
		return qr{}, fmt.Errorf("draw a QR code: %w", err)
	}
	// Its border is in the drawing's units, so one unit is a module.
	svg, err := code.ToSVGBytes(goqr.NewQrCodeImgConfig(1, qrBorder, goqr.WithOptimalSVG()))
	if err != nil {
		return qr{}, fmt.Errorf("draw a QR code: %w", err)
	}
	return qr{"data:image/png;base64," + base64.StdEncoding.EncodeToString(png), string(svg)}, nil
}
