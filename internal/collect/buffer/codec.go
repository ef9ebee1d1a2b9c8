package buffer

import (
	"crypto/rand"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
)

// split puts records into the form of the log of frames, in pieces that fit into a
// group. A record that came without a key gets its own random id as one, or a random one, so that it is
// known when it comes twice.
func split(records []frame.Record, now time.Time) (all []*call, err error) {
	for from := 0; from < len(records); {
		f := frame.Frame{Received: now.UnixMicro()}
		size := 0
		for ; from < len(records); from++ {
			r := records[from]
			n := r.Size()
			if n > maxMessage/2 {
				return nil, fmt.Errorf("buffer: record %d has about %d bytes, more than %d: %w", from, n, maxMessage/2, thimble.ErrInvalid)
			}
			if size > 0 && size+n > groupBytes {
				break
			}
			if r.Repeat == (frame.Key{}) {
				r.Repeat = frame.Key(r.ID)
			}
			if r.Repeat == (frame.Key{}) { // counts have no id either
				if _, err := rand.Read(r.Repeat[:]); err != nil {
					return nil, fmt.Errorf("buffer: drawing a key: %w", err)
				}
			}
			f.Records, size = append(f.Records, r), size+n
		}
		body, err := f.Append(make([]byte, 0, size+size/8))
		if err != nil {
			return nil, fmt.Errorf("buffer: %w", err)
		}
		all = append(all, &call{body: body, done: make(chan error, 1)})
	}
	return all, nil
}

// decodeRecords reads the body of a message: the pieces of one group, one after the
// other. The sealed parts lie in body.
func decodeRecords(body []byte) (all []frame.Record, err error) {
	for len(body) > 0 {
		h, err := frame.DecodeHead(body)
		if err == nil && h.Whole > len(body) {
			err = fmt.Errorf("buffer: a piece is cut off: %w", thimble.ErrInvalid)
		}
		if err != nil {
			return nil, err
		}
		f, err := frame.Decode(body[:h.Whole])
		if err != nil {
			return nil, err
		}
		all, body = append(all, f.Records...), body[h.Whole:]
	}
	return all, nil
}
