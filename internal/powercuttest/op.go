package powercuttest

// A Kind is what an operation does.
type Kind uint8

// The kinds.
const (
	Name     Kind = iota + 1 // names of one folder change, at once
	Write                    // bytes of a file change
	Truncate                 // a file gets another length
	Sync                     // a file or folder is made durable
	Said                     // the program printed
)

// An Op is one thing that the program did to the folder, or a text it printed.
type Op struct {
	Kind         Kind
	Began, Ended int // lines of the trace
	Node         int // the file or folder: made, written, truncated, synced

	Dir     int     // of Name: whose names change
	Entries []Entry // of Name
	Made    bool    // of Name: Node begins to exist
	Folder  bool    // of Name: Node is a folder

	At       int64 // of Write
	Data     []byte
	Size     int64  // of Truncate
	DataOnly bool   // of Sync: fdatasync
	Text     string // of Said
}

// An Entry is a name and what it now means; no node means that it is free.
type Entry struct {
	Name string
	Node int
}

// root is the node of the traced folder itself.
const root = 1
