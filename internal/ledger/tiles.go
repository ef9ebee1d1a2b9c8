package ledger

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"thimble"
)

// TileHeight is the height of a tile (c2sp.org/tlog-tiles): 256 hashes.
const TileHeight = 8

// EntriesLevel is the level of an entry bundle, as sumdb/tlog counts it.
const EntriesLevel = -1

// sumdb's paths name the tile's height, which tlog-tiles fixes, and call the
// entries data.
const sumdbPrefix = "tile/8/"

// TilePath returns the path of a tile or entry bundle below the log's prefix,
// such as "tile/0/x001/234.p/5" or "tile/entries/000".
func TilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), sumdbPrefix)
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return "tile/" + path
}

// ParseTilePath reads what TilePath wrote. The error is of kind ErrNotFound: a
// misspelt tile does not exist.
func ParseTilePath(path string) (tlog.Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if entries, is := strings.CutPrefix(rest, "entries/"); is {
		rest = "data/" + entries
	} else if strings.HasPrefix(rest, "data/") {
		ok = false
	}
	const longest = 64
	t, err := tlog.ParseTilePath(sumdbPrefix + rest)
	// A tree of 2^63 leaves has eight levels of tiles.
	if !ok || err != nil || len(path) > longest || t.L > 7 {
		return tlog.Tile{}, fmt.Errorf("ledger: there is no such tile: %w", thimble.ErrNotFound)
	}
	return t, nil
}

// tileOf returns the n-th tile of a level, as wide as a tree of the size fills it.
func tileOf(level int, n, size int64) tlog.Tile {
	full := size >> (TileHeight * max(level, 0))
	return tlog.Tile{H: TileHeight, L: level, N: n, W: int(min(1<<TileHeight, full-n<<TileHeight))}
}

// Bundle writes leaves as an entry bundle: each with its length in two bytes.
func Bundle(leaves [][]byte) []byte {
	var b []byte
	for _, leaf := range leaves {
		b = binary.BigEndian.AppendUint16(b, uint16(len(leaf)))
		b = append(b, leaf...)
	}
	return b
}

// ParseBundle reads an entry bundle of n leaves.
func ParseBundle(b []byte, n int) ([][]byte, error) {
	var leaves [][]byte
	for len(b) >= 2 {
		size := 2 + int(binary.BigEndian.Uint16(b))
		if size > len(b) {
			break
		}
		leaves, b = append(leaves, b[2:size]), b[size:]
	}
	if len(b) > 0 || len(leaves) != n {
		return nil, invalid("an entry bundle of %d leaves was expected", n)
	}
	return leaves, nil
}
