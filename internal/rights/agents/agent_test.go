package agents_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/rights/agents"
)

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)).Public().(ed25519.PublicKey)

// The example of section 3.05.1, as a list.
func directory(more ...string) string {
	one := `{"id": "PERMISSION_SLIP", "name": "Slips", "verify_key": "` + agents.KeyText(key) + `", "web_url": "https://slips.example/", "identity_assurance_url": "https://slips.example/how",
		"technical_contact": "somebody@slips.example", "business_contact": "somebody@slips.example"}`
	return "[" + strings.Join(append([]string{one}, more...), ",") + "]"
}

func TestAServiceDirectoryIsReadWithoutThePeopleInIt(t *testing.T) {
	all, err := agents.ParseDirectory([]byte(directory()))
	if err != nil || len(all) != 1 {
		t.Fatalf("%d agents, %v", len(all), err)
	}
	a := all[0]
	if a.ID != "PERMISSION_SLIP" || a.Name != "Slips" || !a.Key.Equal(key) || a.Web != "https://slips.example/" || a.Assurance != "https://slips.example/how" || a.Callback != "" || a.State != agents.Active {
		t.Errorf("read %+v", a)
	}
	if one, err := agents.ParseDirectory([]byte(strings.Trim(directory(), "[]"))); err != nil || len(one) != 1 {
		t.Errorf("a single entry: %d, %v", len(one), err)
	}
}

func TestAKeyIsReadAsVersionsOfTheProtocolWriteIt(t *testing.T) {
	text := agents.KeyText(key)
	for name, form := range map[string]string{"base64": text, "without padding": strings.TrimRight(text, "="), "for addresses": strings.NewReplacer("+", "-", "/", "_").Replace(text), "hexadecimal": hex.EncodeToString(key)} {
		if got, err := agents.ParseKey(" " + form + "\n"); err != nil || !got.Equal(key) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestWhatIsWrongWithADirectoryIsSaidByItsPlaceAndFieldAlone(t *testing.T) {
	again := strings.Trim(directory(), "[]")
	for name, tt := range map[string]struct{ text, field string }{
		"no JSON":            {"id: A", "directory"},
		"nobody":             {"[]", "directory"},
		"too long":           {strings.Repeat(" ", agents.MaxDirectory) + directory(), "directory"},
		"the same twice":     {directory(again), "id"},
		"an id with blanks":  {strings.Replace(directory(), "PERMISSION_SLIP", "PERMISSION SLIP", 1), "id"},
		"no name":            {strings.Replace(directory(), "Slips", "", 1), "name"},
		"a short key":        {strings.Replace(directory(), agents.KeyText(key), "AAAA", 1), "key"},
		"a key of nobody":    {strings.Replace(directory(), agents.KeyText(key), agents.KeyText(make([]byte, 32)), 1), "key"},
		"a page without TLS": {strings.Replace(directory(), "https://slips.example/how", "http://slips.example/how", 1), "assurance"},
	} {
		_, err := agents.ParseDirectory([]byte(tt.text))
		wrong, ok := errors.AsType[*agents.FieldError](err)
		if !ok || wrong.Field != tt.field || !errors.Is(err, thimble.ErrInvalid) || strings.Contains(err.Error(), "slips") {
			t.Errorf("%s: %v, want the field %s", name, err, tt.field)
		}
	}
}

func TestAnAgentThatEndedStaysSo(t *testing.T) {
	for _, tt := range []struct {
		from agents.State
		by   agents.Act
		want agents.State
	}{
		{agents.Active, agents.Suspend, agents.Suspended}, {agents.Suspended, agents.Resume, agents.Active}, {agents.Active, agents.End, agents.Ended}, {agents.Suspended, agents.End, agents.Ended},
		{agents.Active, agents.Resume, ""}, {agents.Suspended, agents.Suspend, ""}, {agents.Ended, agents.Resume, ""}, {agents.Ended, agents.Suspend, ""}, {agents.Ended, agents.End, ""}, {agents.Active, agents.Entered, ""},
	} {
		got, err := tt.from.After(tt.by)
		if tt.want == "" && !errors.Is(err, thimble.ErrConflict) || tt.want != "" && (err != nil || got != tt.want) {
			t.Errorf("%s, %s: %s, %v", tt.from, tt.by, got, err)
		}
	}
}

func FuzzADirectoryIsReadOrRefused(f *testing.F) {
	f.Add([]byte(directory()))
	f.Add([]byte(`[{"id":"A","name":"ab"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := agents.ParseDirectory(text)
		if err == nil && len(all) == 0 {
			t.Error("a directory of nobody was taken")
		}
		for _, a := range all {
			if err := a.Check(); err != nil {
				t.Errorf("taken with a broken rule: %v", err)
			}
		}
	})
}
