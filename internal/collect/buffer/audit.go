package buffer

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// A span is a stretch of numbers, both ends in it.
type span struct{ From, To uint64 }

// progress says how much of a run is in the archive. A node numbers what it takes
// 1, 2, 3, … within a run, so that whatever is lost on the way leaves a hole that
// is seen, and whatever comes twice is known. The zero value is a run of which
// nothing has come.
type progress struct {
	Last    uint64 // the highest number that is archived
	Missing []span // up to Last, in order: named, and asked for again
}

// has reports whether a number is archived.
func (p *progress) has(seq uint64) bool {
	if seq > p.Last {
		return false
	}
	_, hole := p.hole(seq)
	return !hole
}

func (p *progress) hole(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(p.Missing, seq, func(s span, seq uint64) int {
		switch {
		case s.To < seq:
			return -1
		case s.From > seq:
			return 1
		}
		return 0
	})
}

// gap returns what should have come before seq and did not. A hole that is known
// already is not found again.
func (p *progress) gap(seq uint64) (span, bool) {
	s := span{p.Last + 1, seq - 1}
	return s, s.From <= s.To && seq > p.Last
}

// mark takes a number as archived; what it jumped over is missing from then on.
func (p *progress) mark(seq uint64) {
	if s, jumped := p.gap(seq); jumped {
		p.Missing = append(p.Missing, s)
	}
	if seq > p.Last {
		p.Last = seq
		return
	}
	i, hole := p.hole(seq)
	if !hole {
		return
	}
	s := p.Missing[i]
	var rest []span
	if s.From < seq {
		rest = append(rest, span{s.From, seq - 1})
	}
	if seq < s.To {
		rest = append(rest, span{seq + 1, s.To})
	}
	p.Missing = slices.Replace(p.Missing, i, i+1, rest...)
}

// miss takes a number for one that may never come.
func (p *progress) miss(seq uint64) {
	if seq <= p.Last {
		return
	}
	p.mark(seq)
	if n := len(p.Missing); n > 0 && p.Missing[n-1].To == seq-1 {
		p.Missing[n-1].To = seq
		return
	}
	p.Missing = append(p.Missing, span{seq, seq})
}

func (p *progress) clone() progress {
	return progress{Last: p.Last, Missing: slices.Clone(p.Missing)}
}

// encode is the form in which progress lies in the stream beside the events.
func (p *progress) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, p.Last)
	for _, s := range p.Missing {
		b = binary.BigEndian.AppendUint64(b, s.From)
		b = binary.BigEndian.AppendUint64(b, s.To)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeProgress refuses whatever encode does not write: to believe a damaged one
// would be to throw away what is in no archive.
func decodeProgress(b []byte) (progress, error) {
	if len(b) < 12 || (len(b)-12)%16 != 0 {
		return progress{}, fmt.Errorf("buffer: progress of %d bytes", len(b))
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return progress{}, fmt.Errorf("buffer: progress fails its checksum")
	}
	p := progress{Last: binary.BigEndian.Uint64(body)}
	for at := 8; at < len(body); at += 16 {
		p.Missing = append(p.Missing, span{binary.BigEndian.Uint64(body[at:]), binary.BigEndian.Uint64(body[at+8:])})
	}
	end := uint64(0)
	for _, s := range p.Missing {
		if s.From <= end || s.To < s.From || s.To > p.Last {
			return progress{}, fmt.Errorf("buffer: progress names %d to %d of %d", s.From, s.To, p.Last)
		}
		end = s.To
	}
	return p, nil
}

// A runKey is a run of a node.
type runKey struct {
	node string
	run  uint64
}

func compareRuns(a, b runKey) int {
	return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.run, b.run))
}
