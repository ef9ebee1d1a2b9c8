package buffer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/nats-io/nats.go"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A message is one group commit of one node.
type message struct {
	runKey
	seq  uint64
	void bool   // its records went to the archive by the other way
	body []byte // the records
}

// The headers of a message. The checksum covers the others, so that none of them
// can be damaged without notice; JetStream has checksums of its own, which did not
// keep it from handing out damaged blocks (nats-server issue 7549).
const (
	nodeHeader = "Thimble-Node"
	runHeader  = "Thimble-Run"
	seqHeader  = "Thimble-Seq"
	voidHeader = "Thimble-Void"
	sumHeader  = "Thimble-Crc32c"
)

// sum is the checksum of everything that a message says.
func (m *message) sum() uint32 {
	var b [17]byte
	binary.BigEndian.PutUint64(b[:], m.run)
	binary.BigEndian.PutUint64(b[8:], m.seq)
	if m.void {
		b[16] = 1
	}
	sum := crc32.Checksum([]byte(m.node), castagnoli)
	sum = crc32.Update(sum, castagnoli, b[:])
	return crc32.Update(sum, castagnoli, m.body)
}

func formatRun(run uint64) string { return fmt.Sprintf("%016x", run) }

// wire returns the message as it is published. The id is for JetStream's own window
// of repeats; attempt goes up when a message that had been acknowledged was lost,
// since the window remembers ids of lost ones too.
func (m *message) wire(attempt int) *nats.Msg {
	msg := &nats.Msg{Subject: eventSubject(m.node), Data: m.body, Header: nats.Header{
		nodeHeader:             {m.node},
		runHeader:              {formatRun(m.run)},
		seqHeader:              {strconv.FormatUint(m.seq, 10)},
		sumHeader:              {strconv.FormatUint(uint64(m.sum()), 16)},
		nats.MsgIdHdr:          {fmt.Sprintf("%s-%d-%d", formatRun(m.run), m.seq, attempt)},
		"Nats-Expected-Stream": {streamName},
	}}
	if m.void {
		msg.Header[voidHeader] = []string{"1"}
	}
	return msg
}

// readMessage reads a message. One that is not intact says nothing: its headers may
// be damaged as well as its body.
func readMessage(h nats.Header, body []byte) (m message, intact bool) {
	run, err1 := strconv.ParseUint(h.Get(runHeader), 16, 64)
	seq, err2 := strconv.ParseUint(h.Get(seqHeader), 10, 64)
	sum, err3 := strconv.ParseUint(h.Get(sumHeader), 16, 32)
	m = message{runKey: runKey{h.Get(nodeHeader), run}, seq: seq, void: h.Get(voidHeader) == "1", body: body}
	if err1 != nil || err2 != nil || err3 != nil || seq == 0 || uint32(sum) != m.sum() {
		return message{}, false
	}
	return m, true
}
