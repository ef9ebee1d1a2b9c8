package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The files of a package, in order.
const (
	CardFile    = "card.json"
	LineageFile = "lineage.json"
	WeightsFile = "weights.bin"
)

// maxDocument bounds card, lineage and bundle, in bytes.
const maxDocument = 1 << 20

// A Package is an opened package.
type Package struct {
	Card    Card
	Lineage Lineage
	Weights []byte
	Signer  string // the hint of the key that signed it
}

// Pack writes and signs a package. It fills in what follows from the weights.
func Pack(s *Signer, c Card, l Lineage, weights []byte) ([]byte, error) {
	sum := sha256.Sum256(weights)
	c.Format, l.Format = Format, Format
	l.Model, l.Version = c.Model, c.Version
	l.Weights, l.RecipeSum = hex.EncodeToString(sum[:]), sumOf(l.Recipe)
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	card, err := Document(c)
	if err != nil {
		return nil, err
	}
	lineage, err := Document(l)
	if err != nil {
		return nil, err
	}
	files := []File{{CardFile, card}, {LineageFile, lineage}, {SignatureFile, nil}, {WeightsFile, weights}}
	if files[2].Content, err = Sign(s, c.Model, files); err != nil {
		return nil, err
	}
	return Archive(files)
}

// Document writes a card or a lineage in the one form that packages have.
func Document(v any) ([]byte, error) {
	return json.Marshal(v, jsontext.WithIndent("  "))
}

// VerifyFiles verifies any signed folder, whoever wrote it: the signature, and that the
// files are exactly those that were signed. Every error is a [Refusal].
func VerifyFiles(files []File, t Trust) (*Statement, error) {
	s, _, err := verifyFiles(files, t)
	return s, err
}

// The order matters: nothing of a file is read before the signature over it counts.
func verifyFiles(files []File, t Trust) (*Statement, *Envelope, error) {
	text, err := signatureOf(files)
	if err != nil {
		return nil, nil, err
	}
	e, err := ParseBundle(text)
	if err != nil {
		return nil, nil, err
	}
	s, err := e.Verify(t)
	if err != nil {
		return nil, nil, err
	}
	return s, e, s.Covers(files)
}

// Open verifies a package and reads it. Every error is a [Refusal].
func Open(content []byte, t Trust) (Package, error) {
	files, err := Unarchive(content)
	if err != nil {
		return Package{}, err
	}
	s, e, err := verifyFiles(files, t)
	if err != nil {
		return Package{}, err
	}
	if text, _ := signatureOf(files); !bytes.Equal(e.encode(), text) {
		return Package{}, Refuse(RuleBundle, "it is not in canonical form")
	}
	p := Package{Signer: e.Hint}
	if err := p.read(s.Name, files); err != nil {
		return Package{}, err
	}
	return p, nil
}

func signatureOf(files []File) ([]byte, error) {
	for _, f := range files {
		if f.Name == SignatureFile && len(f.Content) > 0 && len(f.Content) <= maxDocument {
			return f.Content, nil
		}
	}
	return nil, Refuse(RuleUnsigned, "")
}

// read takes the content of files that were verified.
func (p *Package) read(name string, files []File) error {
	for i, want := range []string{CardFile, LineageFile, SignatureFile, WeightsFile} {
		if len(files) != 4 || files[i].Name != want {
			return Refuse(RuleContent, "card.json, lineage.json, model.sig and weights.bin")
		}
	}
	if !document(files[0].Content, &p.Card) || p.Card.Check() != nil {
		return Refuse(RuleContent, CardFile)
	}
	if !document(files[1].Content, &p.Lineage) || p.Lineage.Check() != nil {
		return Refuse(RuleContent, LineageFile)
	}
	p.Lineage.Recipe = Compact(p.Lineage.Recipe)
	p.Weights = files[3].Content
	sum := sha256.Sum256(p.Weights)
	if p.Card.Model != name || p.Lineage.Model != name || p.Lineage.Version != p.Card.Version || p.Lineage.Weights != hex.EncodeToString(sum[:]) {
		return Refuse(RuleContent, "model, version and weights agree")
	}
	return nil
}

// document reads what Document wrote, and nothing else.
func document[T Card | Lineage](text []byte, v *T) bool {
	if len(text) > maxDocument || strict(text, v) != nil {
		return false
	}
	again, err := Document(*v)
	return err == nil && bytes.Equal(again, text)
}

// A Release is what was released, as the registry remembers it: what a file must be to
// be loaded.
type Release struct {
	Model   string
	Version int64
	Stage   Stage
	Package [sha256.Size]byte // of the archive
	Weights [sha256.Size]byte
	Floor   int64 // no version below is loaded any more
}

// Admit opens a package as the release that it should be. A right signature is not
// enough: an older version of ours has one too.
func Admit(content []byte, t Trust, r Release) (Package, error) {
	if !r.Stage.Kept() {
		return Package{}, Refuse(RuleStage, string(r.Stage))
	}
	if r.Version < r.Floor {
		return Package{}, Refuse(RuleFloor, "")
	}
	p, err := Open(content, t)
	if err != nil {
		return Package{}, err
	}
	if p.Card.Model != r.Model {
		return Package{}, Refuse(RuleModel, "")
	}
	if p.Card.Version < r.Floor {
		return Package{}, Refuse(RuleFloor, "")
	}
	if p.Card.Version != r.Version {
		return Package{}, Refuse(RuleVersion, "")
	}
	// Two packages of one version differ where somebody signed twice, or holds our key.
	if sha256.Sum256(content) != r.Package || sha256.Sum256(p.Weights) != r.Weights {
		return Package{}, Refuse(RuleFile, "")
	}
	return p, nil
}
