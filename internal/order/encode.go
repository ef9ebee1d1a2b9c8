package order

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"thimble"
)

// The body of an order, version 1:
//
//	version 1 ‖ flags 1 ‖ country 0 or 2 ‖ currency 3 ‖ time ‖ number ‖ count ‖ lines
//
// in bytes. Flag 1 says return, flag 2 that a country follows. The time is in
// microseconds since 1970. Times, counts, units and prices are unsigned varints of
// the shortest form; number and item are a varint length and the bytes. A line is
// item ‖ units ‖ price in minor units. Nothing may follow the last line.
const version = 1

const (
	flagReturn  = 1 << 0
	flagCountry = 1 << 1
)

// Encode returns the canonical bytes of o without id and subject, which its row
// has. The error is of kind ErrInvalid when o breaks a rule.
func Encode(o Order) ([]byte, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 32+16*len(o.Lines))
	var flags byte
	if o.Return {
		flags |= flagReturn
	}
	if o.Country != "" {
		flags |= flagCountry
	}
	b = append(b, version, flags)
	b = append(b, o.Country...)
	b = append(b, o.Lines[0].Price.Currency...)
	b = binary.AppendUvarint(b, uint64(o.PlacedAt.UnixMicro()))
	b = appendText(b, o.Number)
	b = binary.AppendUvarint(b, uint64(len(o.Lines)))
	for _, l := range o.Lines {
		b = appendText(b, string(l.Item))
		b = binary.AppendUvarint(b, uint64(l.Units))
		b = binary.AppendUvarint(b, uint64(l.Price.Minor))
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errBody = errors.New("the body is not one that Encode writes")

// Decode reads what Encode wrote and nothing else. The error is of kind ErrInvalid.
func Decode(body []byte) (Order, error) {
	r := reader{rest: body}
	if r.byte() != version {
		return Order{}, fmt.Errorf("order: a body of version %d was expected: %w", version, thimble.ErrInvalid)
	}
	flags := r.byte()
	o := Order{Return: flags&flagReturn != 0}
	if flags&flagCountry != 0 {
		o.Country = string(r.take(2))
	}
	currency := string(r.take(3))
	o.PlacedAt = time.UnixMicro(int64(r.uvarint(1 << 62))).UTC()
	o.Number = r.text(MaxShop + MaxNumber)
	n := r.uvarint(MaxLines)
	// A line takes three bytes at least: no count makes us reserve more than was sent.
	if r.bad || n > uint64(len(r.rest)/3) {
		return Order{}, fmt.Errorf("order: %w: %w", errBody, thimble.ErrInvalid)
	}
	o.Lines = make([]Line, n)
	for i := range o.Lines {
		o.Lines[i] = Line{
			Item:  thimble.ItemID(r.text(MaxItem)),
			Units: int64(r.uvarint(MaxUnits)),
			Price: thimble.Money{Minor: int64(r.uvarint(MaxMinor)), Currency: currency},
		}
	}
	if r.bad || len(r.rest) > 0 || flags&^(flagReturn|flagCountry) != 0 {
		return Order{}, fmt.Errorf("order: %w: %w", errBody, thimble.ErrInvalid)
	}
	return o, o.Validate()
}

// A reader takes parts off the front; once something is missing it stays bad.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.rest) {
		r.bad = true
		return nil
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	// A last byte of zero is a longer spelling of a shorter number.
	if n <= 0 || v > most || n > 1 && r.rest[n-1] == 0 {
		r.bad = true
		return 0
	}
	r.take(n)
	return v
}

func (r *reader) text(most int) string {
	n := r.uvarint(uint64(most))
	return string(r.take(int(n)))
}
