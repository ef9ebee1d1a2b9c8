package frame

import (
	"time"

	"thimble"
)

// A Key is a keyed hash by which it is known that something came before: of a
// source and a messageId, or of an order's number and what happened to it. The zero
// Key is none.
type Key [16]byte

// A Part is what one event says in one category.
type Part struct {
	Category thimble.Category
	Sealed   []byte // a JSON object, for the cell that [PartCell] returns
}

// A Count is what is left of the events of somebody who permits nothing: that they
// happened. It leads to nobody.
type Count struct {
	Event string // of the plan, "Product Viewed"
	Item  string // the product's id, "" for none
	Day   int32  // since 1970, UTC
	N     uint32
}

// A Record is one event. Nothing in it but the parts says what happened, and to
// whom leads only the subject's random id.
type Record struct {
	ID       thimble.ID        // random; the row of its parts' cells
	Subject  thimble.SubjectID // zero for counts
	Received int64             // UTC microseconds
	Source   uint32            // the number of the source it came from
	Repeat   Key               // of source and messageId: exact within 24 hours
	Order    Key               // of the order and the event's name: exact for as long as the log is kept
	Parts    []Part
	Counts   []Count // only with the zero subject
}

// A Frame is what one commit made durable.
type Frame struct {
	Seq      int64 // 1, 2, 3, … without gaps
	Received int64 // UTC microseconds, of the commit
	Records  []Record
	// Unreadable says that what lies in the log is damaged: there are records that nobody
	// can read.
	Unreadable bool
}

// An Appended says what became of records.
type Appended struct {
	Seq      int64 // of the frame they are in
	Kept     int
	Repeated int // known by Repeat or Order, and left out
}

// Class is the retention class of events: its keys expire by month.
const Class = "events"

// PartCell returns the cell that a part is sealed for.
func PartCell(r *Record, c thimble.Category) thimble.Cell {
	return thimble.Cell{
		Owner: r.Subject, Table: "log_frames", Column: "bytes", Row: r.ID[:], Category: c,
		Class: Class, At: time.UnixMicro(r.Received).UTC(),
	}
}
