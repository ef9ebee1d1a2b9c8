package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"thimble"
)

// A Policy says which logs are trusted, which witnesses are known, and which of them
// must have cosigned a checkpoint: a file in the format c2sp.org/tlog-policy.
type Policy struct {
	Logs      []PolicyLog
	Witnesses []PolicyWitness
	Quorum    string // the name in the quorum line
	quorum    *member
}

// A PolicyLog is a log that is trusted.
type PolicyLog struct {
	Origin, VerifierKey string
	URL                 string // "" when not given
}

// A PolicyWitness is a witness by the name that the policy gives it.
type PolicyWitness struct {
	Name string
	Key  CosignerKey
	URL  string // "" when not given; of add-checkpoint without that word
}

// member is a witness, or a group of which so many must have cosigned.
type member struct {
	key    CosignerKey
	need   int // of a group; 0 in "quorum none"
	of     []*member
	single bool
	used   bool
}

func (m *member) met(by func(CosignerKey) bool) bool {
	if m.single {
		return by(m.key)
	}
	n := 0
	for _, o := range m.of {
		if o.met(by) {
			n++
		}
	}
	return n >= m.need
}

// Met reports whether the cosignatures, which were verified, reach the quorum.
func (p *Policy) Met(by []Cosignature) bool {
	return p.quorum.met(func(k CosignerKey) bool {
		return slices.ContainsFunc(by, func(c Cosignature) bool { return c.Key == k })
	})
}

// Keys returns the keys of all witnesses.
func (p *Policy) Keys() []CosignerKey {
	keys := make([]CosignerKey, len(p.Witnesses))
	for i, w := range p.Witnesses {
		keys[i] = w.Key
	}
	return keys
}

// ErrQuorum is a receipt's fifth check, made by [Policy.Verify] alone.
var ErrQuorum = fmt.Errorf("ledger: quorum: too few witnesses have cosigned the tree (%w)", thimble.ErrInvalid)

// Verify is the function [Verify] with the policy's logs and witnesses, and asks
// for the quorum.
func (p *Policy) Verify(receipt []byte) (Opened, error) {
	var keys []string
	for _, l := range p.Logs {
		keys = append(keys, l.VerifierKey)
	}
	for _, w := range p.Witnesses {
		keys = append(keys, w.Key.String())
	}
	o, err := Verify(receipt, keys...)
	if err == nil && !p.Met(o.Cosigned) {
		err = ErrQuorum
	}
	if err != nil {
		return Opened{}, err
	}
	return o, nil
}

// Bounds of a policy; the format wants at least 32 of each.
const (
	maxPolicy = 64 << 10
	maxNamed  = 256
)

type policyParser struct {
	p     Policy
	names map[string]*member
}

// ParsePolicy reads a policy. The error says which line is wrong.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > maxPolicy {
		return nil, invalid("a policy has at most %d bytes", maxPolicy)
	}
	r := policyParser{names: map[string]*member{"none": {}}}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return nil, invalid("line %d of the policy has a control character", i+1)
		}
		words := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := r.line(words[0], words[1:]); err != nil {
			return nil, fmt.Errorf("line %d of the policy: %w", i+1, err)
		}
	}
	if r.p.quorum == nil {
		return nil, invalid("a policy has one quorum line, such as `quorum none`")
	}
	return &r.p, nil
}

func (r *policyParser) line(kind string, words []string) error {
	switch {
	case kind == "log" && (len(words) == 1 || len(words) == 2):
		return r.log(append(words, "")[:2])
	case kind == "witness" && (len(words) == 2 || len(words) == 3):
		return r.witness(append(words, "")[:3])
	case kind == "group" && len(words) >= 3:
		return r.group(words[0], words[1], words[2:])
	case kind == "quorum" && len(words) == 1:
		m := r.names[words[0]]
		if m == nil || r.p.quorum != nil {
			return invalid("one quorum line was expected, with a name from a line before")
		}
		r.p.Quorum, r.p.quorum = words[0], m
		return nil
	}
	return invalid("it is not of the form log, witness, group or quorum")
}

func (r *policyParser) log(words []string) error {
	v, err := note.NewVerifier(words[0])
	if err != nil || CheckOrigin(v.Name()) != nil {
		return invalid("a log's verifier key was expected")
	}
	if slices.ContainsFunc(r.p.Logs, func(l PolicyLog) bool { return keyPart(l.VerifierKey) == keyPart(words[0]) }) {
		return invalid("a log is named twice")
	}
	r.p.Logs = append(r.p.Logs, PolicyLog{Origin: v.Name(), VerifierKey: words[0], URL: words[1]})
	return nil
}

// keyPart is what follows name and id in a verifier key.
func keyPart(vkey string) string { return strings.SplitN(vkey, "+", 3)[2] }

func (r *policyParser) witness(words []string) error {
	key, err := ParseCosignerKey(words[1])
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.p.Witnesses, func(w PolicyWitness) bool { return w.Key.public == key.public }) {
		return invalid("a witness is named twice")
	}
	r.p.Witnesses = append(r.p.Witnesses, PolicyWitness{Name: words[0], Key: key, URL: words[2]})
	return r.define(words[0], &member{single: true, key: key})
}

func (r *policyParser) define(name string, m *member) error {
	if r.names[name] != nil || len(r.names) > maxNamed {
		return invalid("a name is taken, or there are more than %d", maxNamed)
	}
	r.names[name] = m
	return nil
}

func (r *policyParser) group(name, threshold string, of []string) error {
	g := &member{need: len(of)}
	switch threshold {
	case "all":
	case "any":
		g.need = 1
	default:
		n, err := strconv.Atoi(threshold)
		if err != nil || n < 1 || n > len(of) || strconv.Itoa(n) != threshold {
			return invalid("all, any or a number from 1 to the size of the group was expected")
		}
		g.need = n
	}
	for _, o := range of {
		m := r.names[o]
		if m == nil || m.used || o == "none" {
			return invalid("a group's members are names from lines before, each in one group only")
		}
		m.used = true
		g.of = append(g.of, m)
	}
	return r.define(name, g)
}
