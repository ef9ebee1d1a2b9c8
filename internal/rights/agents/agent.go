package agents

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"thimble"
)

// A State is where an agent stands.
type State string

// The states.
const (
	Active    State = "active"
	Suspended State = "suspended"
	Ended     State = "ended" // for good
)

// An Agent may ask in other people's place.
type Agent struct {
	ID        string
	Name      string // as people read it
	Key       ed25519.PublicKey
	Web       string // its page
	Assurance string // where it says how it looks at who asks
	Callback  string // where it is told what became of a request; "" for nowhere
	State     State
	Added     time.Time
	Changed   time.Time
}

// An Act is something that staff did to the registry.
type Act string

// The acts.
const (
	Entered Act = "entered"
	Suspend Act = "suspended"
	Resume  Act = "resumed"
	End     Act = "ended"
)

// After returns the state after an act of staff. The error is of kind ErrConflict when it
// cannot follow.
func (s State) After(a Act) (State, error) {
	switch {
	case a == Suspend && s == Active:
		return Suspended, nil
	case a == Resume && s == Suspended:
		return Active, nil
	case a == End && s != Ended && s != "":
		return Ended, nil
	}
	return s, fmt.Errorf("agents: an agent that is %s cannot be %s: %w", s, a, thimble.ErrConflict)
}

// A FieldError names the field that breaks a rule.
type FieldError struct{ Field, Rule string }

// Error implements error.
func (e *FieldError) Error() string {
	return fmt.Sprintf("agents: %s: %s was expected", e.Field, e.Rule)
}

// Is makes it an error of kind ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == thimble.ErrInvalid }

// ids are taken somewhat more freely than the schema of section 3.05.1 has them, [A-Z_]+:
// agents count their versions in them.
var ids = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// Check reports the first field that breaks a rule. Whether the callback may be called is
// for the transport to say.
func (a Agent) Check() error {
	n := utf8.RuneCountInString(a.Name)
	switch {
	case !ids.MatchString(a.ID):
		return &FieldError{"id", "1 to 64 letters, digits and _.-"}
	case !utf8.ValidString(a.Name) || strings.TrimSpace(a.Name) != a.Name || n < 2 || n > 80 || strings.ContainsFunc(a.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return &FieldError{"name", "2 to 80 visible characters"}
	case len(a.Key) != ed25519.PublicKeySize || weak(a.Key):
		return &FieldError{"key", "an Ed25519 key of 32 bytes in base64"}
	}
	for field, link := range map[string]string{"web": a.Web, "assurance": a.Assurance} {
		if link != "" && !secure(link) {
			return &FieldError{field, "an https address of at most 500 characters, or nothing,"}
		}
	}
	return nil
}

// weak reports whether anybody can sign for a key: the points of small order (RFC 8032,
// section 5.1; the encodings that libsodium refuses).
func weak(key ed25519.PublicKey) bool {
	low := map[string]bool{}
	for _, h := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		low[h] = true
	}
	masked := append([]byte{}, key...)
	masked[31] &= 0x7f
	return low[hex.EncodeToString(masked)]
}

func secure(link string) bool {
	u, err := url.Parse(link)
	return err == nil && len(link) <= 500 && u.Scheme == "https" && u.Host != "" && u.User == nil && !strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// ParseKey reads a key as a directory has it: base64, or hexadecimal digits as before
// version 0.9.1 of the protocol. The error is a *FieldError.
func ParseKey(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == ed25519.PublicKeySize {
		return raw, nil
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := enc.Strict().DecodeString(strings.TrimRight(text, "=")); err == nil && len(raw) == ed25519.PublicKeySize {
			return raw, nil
		}
	}
	return nil, &FieldError{"key", "an Ed25519 key of 32 bytes in base64"}
}

// KeyText writes a key as a directory does.
func KeyText(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// MaxDirectory bounds a service directory, in bytes; MaxAgents the agents in it.
const (
	MaxDirectory = 256 << 10
	MaxAgents    = 500
)

// ParseDirectory reads the agents of a service directory (section 3.05.1): a list, or one
// entry. Members that are not kept here, such as people to write to, are not read. The
// error says which entry breaks which rule, and names no value.
func ParseDirectory(text []byte) ([]Agent, error) {
	type entry struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		Key       string `json:"verify_key"`
		Web       string `json:"web_url"`
		Assurance string `json:"identity_assurance_url"`
	}
	var entries []entry
	var one entry
	if len(text) > MaxDirectory || json.Unmarshal(text, &entries) != nil && json.Unmarshal(text, &one) != nil {
		return nil, &FieldError{"directory", "a JSON list of agents, as a service directory has it,"}
	}
	if one.ID != "" {
		entries = []entry{one}
	}
	if len(entries) == 0 || len(entries) > MaxAgents {
		return nil, &FieldError{"directory", fmt.Sprintf("a list of 1 to %d agents", MaxAgents)}
	}
	var all []Agent
	seen := map[string]bool{}
	for i, e := range entries {
		key, err := ParseKey(e.Key)
		a := Agent{ID: e.ID, Name: e.Name, Key: key, Web: e.Web, Assurance: e.Assurance, State: Active}
		if err == nil {
			err = a.Check()
		}
		if err == nil && seen[a.ID] {
			err = &FieldError{"id", "each agent once"}
		}
		if err != nil {
			return nil, fmt.Errorf("agents: entry %d of the directory: %w", i+1, err)
		}
		seen[a.ID] = true
		all = append(all, a)
	}
	return all, nil
}
