// Package onlineretail carries the orders of the demo: the UCI Online Retail data
// set, CC BY 4.0. See ATTRIBUTION.md.
package onlineretail

import (
	"bytes"
	_ "embed"
	"io"
)

//go:embed online_retail.csv.gz
var orders []byte

// Name is the file's name.
const Name = "online_retail.csv.gz"

// Open returns the gzipped CSV.
func Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(orders)), nil }
