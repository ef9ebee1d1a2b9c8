package receipts

import (
	"crypto/ed25519"
	"crypto/sha256"
	"io"
	"slices"
	"time"

	"thimble/internal/consent/till/signed"
	"thimble/internal/subject"
)

// Form is the version of the format.
const Form = "sales-batch/v1"

// Limits of a batch.
const (
	MaxReceipts = 5000
	MaxBytes    = 8 << 20
	skew        = signed.Skew
)

var form = signed.Form{
	Package: "receipts", Version: Form, Domain: "thimble.sales-batch.v1\n", One: "a receipt", Many: "receipts",
	Most: MaxReceipts, MaxBytes: MaxBytes, MaxLine: 64 << 10,
}

// A Header opens a batch.
type Header struct {
	Form     string    `json:"thimble"`
	Till     string    `json:"till"`
	Key      string    `json:"key"`      // the id of the key, by till.KeyID
	Sequence int64     `json:"sequence"` // 1, 2, … per till, each once; apart from those of choices
	Created  time.Time `json:"created_at"`
	Receipts int       `json:"receipts"`
}

// A Receipt is one sale, or what came back of one.
type Receipt struct {
	Number   string    `json:"number"` // the till's own
	At       time.Time `json:"at"`
	Currency string    `json:"currency"`
	Country  string    `json:"country,omitempty"` // of the store
	// Kind and Value are who bought, if they said so: an account or an e-mail address.
	Kind  subject.Kind `json:"kind,omitempty"`
	Value string       `json:"value,omitempty"`
	Back  bool         `json:"back,omitempty"` // the goods came back
	Lines []Line       `json:"lines"`
}

// A Line is one item of a receipt.
type Line struct {
	Item       string `json:"item"`
	Name       string `json:"name,omitempty"`
	Units      int64  `json:"units"`
	PriceMinor int64  `json:"price_minor"` // of one unit
}

// A Batch is what was read.
type Batch struct {
	Header
	All       []Receipt
	signature []byte
}

func opening(h Header) signed.Opening {
	return signed.Opening{Form: h.Form, Till: h.Till, Key: h.Key, Sequence: h.Sequence, Created: h.Created, Entries: h.Receipts}
}

// Read reads a batch; it does not verify it.
func Read(r io.Reader) (*Batch, error) {
	h, all, signature, err := signed.Read[Header, Receipt](form, r, opening)
	if err != nil {
		return nil, err
	}
	return &Batch{h, all, signature}, check(all)
}

// check refuses a batch with a buyer that cannot be understood: as a guest's the sale would
// count, and be lost to who bought.
func check(all []Receipt) error {
	for i, r := range all {
		guest := r.Kind == "" && r.Value == ""
		if !guest && r.Kind != subject.Account && r.Kind != subject.Email {
			return form.Broken(i+2, "a receipt: kind: account or email was expected, or neither kind nor value for a guest")
		}
	}
	return nil
}

// Canonical returns what is signed: a word for what it is, then header and receipts as
// JSON without blanks, keys in the order of the types here, times in UTC, a line each.
func (b *Batch) Canonical() ([]byte, error) {
	h := b.Header
	h.Created = h.Created.UTC()
	all := slices.Clone(b.All)
	for i := range all {
		all[i].At = all[i].At.UTC()
	}
	return signed.Canonical(form, h, all)
}

// Digest is the SHA-256 of what is signed.
func (b *Batch) Digest() ([]byte, error) {
	text, err := b.Canonical()
	sum := sha256.Sum256(text)
	return sum[:], err
}

// Sign closes a batch and writes it, as a till does.
func Sign(w io.Writer, h Header, all []Receipt, key ed25519.PrivateKey) error {
	public, _ := key.Public().(ed25519.PublicKey) // as the type promises
	h.Form, h.Key, h.Receipts = Form, signed.KeyID(public), len(all)
	if err := form.Check(opening(h), len(all)); err != nil {
		return err
	}
	if err := check(all); err != nil {
		return err
	}
	text, err := (&Batch{Header: h, All: all}).Canonical()
	if err != nil {
		return err
	}
	return form.Write(w, text, key)
}

// Known is what a batch is held against.
type Known struct {
	Now  time.Time
	Key  ed25519.PublicKey // the till's of the batch's id; nil for none and for a revoked one
	Used bool              // the till's number was recorded before, or is another batch's
}

// Verify returns an error when nothing of the batch counts: of kind ErrDenied when the
// origin is in doubt, ErrConflict when the till's number was used before, ErrInvalid else.
func (b *Batch) Verify(k Known) error {
	text, err := b.Canonical()
	if err != nil {
		return err
	}
	return form.Verify(opening(b.Header), signed.Origin{Text: text, Signature: b.signature, Key: k.Key, Used: k.Used, Now: k.Now})
}
