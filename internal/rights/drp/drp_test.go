package drp_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/drp"
)

var (
	now    = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	key    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	public = key.Public().(ed25519.PublicKey)
)

// The example of section 2.01, with the claims of section 3.04.
const example = `{
  "agent-id": "AGENT",
  "business-id": "SHOP",
  "issued-at": "2026-11-30T08:59:00Z",
  "expires-at": "2026-11-30T09:09:00Z",
  "agent-request-id": "foo",
  "drp.version": "1.0",
  "exercise": "sale:opt-out",
  "regime": "ccpa",
  "relationships": ["customer", "marketing"],
  "status_callback": "https://dsr-agent.example.com/update_status",
  "name": "Ada Lovelace",
  "email": "ada@example.com",
  "email_verified": true,
  "phone_number": "+442079460018",
  "phone_number_verified": false,
  "address": {"country": "US", "region": "CA"},
  "power_of_attorney": "https://agent.example.com/poa/1"
}`

func take(document string) (drp.Exercise, error) {
	return drp.Take(drp.Sign(key, []byte(document)), public, "AGENT", "SHOP", now)
}

// with replaces a part of the example.
func with(t *testing.T, old, by string) string {
	t.Helper()
	if !strings.Contains(example, old) {
		t.Fatalf("the example has no %q", old)
	}
	return strings.Replace(example, old, by, 1)
}

func TestTheExampleOfTheSpecificationIsRead(t *testing.T) {
	e, err := take(example)
	if err != nil {
		t.Fatal(err)
	}
	if e.Action != drp.OptOut || e.Email.Reveal() != "ada@example.com" || e.Phone.Reveal() != "+442079460018" || e.Reference.Reveal() != "foo" ||
		e.Attorney.Reveal() != "https://agent.example.com/poa/1" || e.Callback != "https://dsr-agent.example.com/update_status" {
		t.Errorf("read %+v", e)
	}
	if diff := cmp.Diff([]cases.Stated{cases.EmailVerified, cases.Attorney}, e.Stated); diff != "" {
		t.Errorf("what the agent says (-want +got):\n%s", diff)
	}
	if kind, ok := e.Action.Kind(); !ok || kind != cases.Sale {
		t.Errorf("it asks for %q", kind)
	}
}

func TestTheSpellingsOfEarlierVersionsAreRead(t *testing.T) {
	for name, document := range map[string]string{
		"a list of one action":      with(t, `"sale:opt-out"`, `["sale:opt-out"]`),
		"an underscore":             with(t, `"sale:opt-out"`, `"sale:opt_out"`),
		"version 0.9.4":             with(t, `"1.0"`, `"0.9.4"`),
		"no zone":                   with(t, `08:59:00Z`, `08:59:00`),
		"microseconds and a zone":   with(t, `08:59:00Z`, `09:59:00.123456+01:00`),
		"a zone without a colon":    with(t, `08:59:00Z`, `09:59:00+0100`),
		"no regime":                 with(t, `"ccpa"`, `""`),
		"a truth that is a text":    with(t, `"email_verified": true`, `"email_verified": "true"`),
		"an address that is a text": with(t, `{"country": "US", "region": "CA"}`, `"1 High Street"`),
	} {
		if e, err := take(document); err != nil || e.Action != drp.OptOut || !e.Issued.Before(now) {
			t.Errorf("%s: %v, %v", name, e.Action, err)
		}
	}
}

// The order of section 3.07. Each message breaks its own rule and every one after it.
func TestTheFirstBrokenRuleIsTheOneThatIsSaid(t *testing.T) {
	broken := map[string]string{`"AGENT"`: `"OTHER"`, `"SHOP"`: `"ELSEWHERE"`, `2026-11-30T08:59`: `2026-11-30T09:30`, `2026-11-30T09:09`: `2026-11-30T08:00`, `"sale:opt-out"`: `"sale:everything"`}
	later := example
	for old, by := range broken {
		later = strings.Replace(later, old, by, 1)
	}
	fixed := func(document string, parts ...string) string {
		for _, p := range parts {
			document = strings.Replace(document, broken[p], p, 1)
		}
		return document
	}
	agent := fixed(later, `"AGENT"`)
	business := fixed(agent, `"SHOP"`)
	issued := fixed(business, `2026-11-30T08:59`)
	expires := fixed(issued, `2026-11-30T09:09`)
	signed := func(d string) []byte { return drp.Sign(key, []byte(d)) }
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	for _, tt := range []struct {
		name    string
		message []byte
		want    drp.Refusal
	}{
		{"no base64", []byte("{" + later), drp.NotDecoded},
		{"nothing", nil, drp.NotDecoded},
		{"a signature alone", []byte(base64.StdEncoding.EncodeToString(make([]byte, 64))), drp.NotDecoded},
		{"too long", bytes.Repeat([]byte("A"), drp.MaxMessage+1), drp.NotDecoded},
		{"another's key", drp.Sign(other, []byte(later)), drp.NotSigned},
		{"no JSON", signed("hello"), drp.NotRead},
		{"another agent", signed(later), drp.OtherAgent},
		{"another business", signed(agent), drp.OtherBusiness},
		{"of the future", signed(business), drp.NotYet},
		{"expired", signed(issued), drp.TooLate},
		{"an unknown action", signed(expires), drp.NoAction},
	} {
		_, err := drp.Take(tt.message, public, "AGENT", "SHOP", now)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "ada") || !errors.Is(err, thimble.ErrDenied) && !errors.Is(err, thimble.ErrInvalid)) {
			t.Errorf("%s: %v has no kind, or repeats what was sent", tt.name, err)
		}
	}
}

func TestAWindowIsShortAndTheClockMayBeALittleAhead(t *testing.T) {
	for name, tt := range map[string]struct {
		document string
		want     error
	}{
		"a quarter of an hour":  {with(t, `09:09:00Z`, `09:14:01Z`), drp.TooLong},
		"ten minutes":           {example, nil},
		"a clock ahead by 30 s": {with(t, `08:59:00Z`, `09:00:30Z`), nil},
		"a clock ahead by 31 s": {with(t, `08:59:00Z`, `09:00:31Z`), drp.NotYet},
		"expiring now":          {with(t, `09:09:00Z`, `09:00:00Z`), drp.TooLate},
		"another version":       {with(t, `"1.0"`, `"2.0"`), drp.OtherVersion},
		"a name twice":          {with(t, `"regime": "ccpa"`, `"regime": "ccpa", "agent-id": "OTHER"`), drp.NotRead},
		"another regime":        {with(t, `"ccpa"`, `"gdpr"`), drp.NoRegime},
		"a line in an address":  {with(t, `ada@example.com`, `ada@example.com\n`), drp.NoMember},
		"a yes to a sale":       {with(t, `sale:opt-out`, `sale:opt-in`), drp.NoAction},
	} {
		if _, err := take(tt.document); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestEachBitOfAMessageIsSigned(t *testing.T) {
	raw, err := base64.StdEncoding.DecodeString(string(drp.Sign(key, []byte(example))))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		changed := bytes.Clone(raw)
		changed[i/8] ^= 1 << (i % 8)
		if _, err := drp.Open([]byte(base64.StdEncoding.EncodeToString(changed)), public); err == nil {
			t.Fatalf("bit %d is not signed", i)
		}
	}
}

// aCase is one that an agent asked for.
func aCase(kind cases.Kind, subject thimble.SubjectID) cases.Case {
	c := cases.Case{ID: thimble.ID{0xc7, 0x89, 0xff, 0x35, 0x76, 0x44, 0x4c, 0xeb, 0x99, 0x81, 0x4b, 0x35, 0xc2, 0x64, 0xaa, 0xc3}, Subject: subject, Kind: kind, Via: cases.Registered, State: cases.Awaiting, At: now, Due: now.AddDate(0, 0, 45)}
	if kind == cases.Sale {
		c.State = cases.Received
	}
	return c
}

func view(c cases.Case, after time.Duration) drp.View {
	return drp.View{Case: c, Now: now.Add(after), Page: "https://shop.example/privacy/requests/case_1"}
}

// The example of section 3.03.
func TestAStatusIsWrittenAsTheSpecificationHasIt(t *testing.T) {
	got, err := drp.StatusOf(view(aCase(cases.Erase, thimble.SubjectID{}), time.Minute)).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var wrote map[string]any
	if err := json.Unmarshal(got, &wrote); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"request_id": "c789ff35-7644-4ceb-9981-4b35c264aac3", "received_at": "2026-11-30T09:00:00Z", "expected_by": "2027-01-14T09:00:00Z", "status": "in_progress",
		"reason": "need_user_verification", "user_verification_url": "https://shop.example/privacy/requests/case_1", "expires_at": "2027-02-28T09:00:00Z",
		"processing_details": "The person says, signed in by what is held already, that they asked.",
	}
	if diff := cmp.Diff(want, wrote); diff != "" {
		t.Errorf("the status (-want +got):\n%s", diff)
	}
	if p, _ := json.Marshal(drp.ProblemOf(400, string(drp.NoAction), false)); string(p) != `{"code":"400","message":"Unsupported rights actions submitted."}` {
		t.Errorf("the example of section 3.06 is written as %s", p)
	}
}

func TestEachStateOfACaseHasItsWordInTheProtocol(t *testing.T) {
	shown := func(s cases.State, ground cases.Ground) cases.Case {
		c := aCase(cases.Erase, thimble.SubjectID{1})
		c.State, c.Proof, c.Ground = s, cases.Session, ground
		if s.Final() {
			c.Closed = now
		}
		return c
	}
	for _, tt := range []struct {
		c    cases.Case
		want string
	}{
		{shown(cases.Received, ""), "in_progress/"}, {shown(cases.Awaiting, ""), "in_progress/"}, {shown(cases.Clarify, ""), "in_progress/"}, {shown(cases.Executing, ""), "in_progress/"}, {shown(cases.Waiting, ""), "in_progress/"},
		{shown(cases.Appealed, cases.Claims), "in_progress/"}, {shown(cases.Fulfilled, ""), "fulfilled/"}, {shown(cases.Revoked, ""), "revoked/"}, {shown(cases.Lapsed, ""), "expired/"},
		{shown(cases.Refused, cases.Unproved), "denied/insuf_verification"}, {shown(cases.Refused, cases.NoPermission), "denied/insuf_verification"}, {shown(cases.Refused, cases.Fraud), "denied/suspected_fraud"},
		{shown(cases.Refused, cases.Excessive), "denied/too_many_requests"}, {shown(cases.Refused, cases.LegalDuty), "denied/claim_not_covered"}, {shown(cases.Upheld, cases.NotHeld), "denied/no_match"},
		{shown(cases.Refused, "something new"), "denied/other"},
	} {
		s := drp.StatusOf(view(tt.c, time.Hour))
		if got := fmt.Sprintf("%s/%s", s.State, s.Reason); got != tt.want {
			t.Errorf("%s (%s): %s, want %s", tt.c.State, tt.c.Ground, got, tt.want)
		}
		if (s.Expected != nil) != (s.State == drp.InProgress) {
			t.Errorf("%s: expected by %v", tt.c.State, s.Expected)
		}
		if s.Expires != nil && (s.Expires.Sub(now) < 7*24*time.Hour || s.Expires.Sub(now) > 60*24*time.Hour) {
			t.Errorf("%s can be asked about until %v", tt.c.State, s.Expires)
		}
	}
	for _, g := range cases.Reasons() {
		if s := drp.StatusOf(view(shown(cases.Refused, g.Ground), 0)); s.Reason == drp.Other {
			t.Errorf("the ground %s has no reason in the protocol", g.Ground)
		}
	}
}

// Whatever becomes of a case of which nobody has shown that it is theirs, the agent is
// told the same as of one that is nobody's.
func TestNothingTellsWhetherAnybodyIsKnown(t *testing.T) {
	for _, kind := range []cases.Kind{cases.Sale, cases.Erase, cases.Access} {
		for _, after := range []time.Duration{0, time.Minute, drp.Settling, time.Hour, cases.Patience, cases.Patience + time.Hour} {
			unknown := aCase(kind, thimble.SubjectID{})
			if kind == cases.Sale && after > 0 || after > cases.Patience {
				unknown.State, unknown.Closed = cases.Lapsed, now.Add(time.Second)
			}
			want := drp.StatusOf(view(unknown, after))
			for _, s := range cases.States() {
				if s == cases.Refused || s == cases.Appealed || s == cases.Upheld || kind == cases.Sale && !s.Final() && after > 0 {
					continue // staff did that, or it has not been looked at yet
				}
				known := aCase(kind, thimble.SubjectID{1})
				if known.State = s; s.Final() {
					known.Closed = now.Add(time.Minute)
				}
				if diff := cmp.Diff(want, drp.StatusOf(view(known, after))); diff != "" {
					t.Errorf("%s after %s: somebody's that is %s (+) and nobody's (-):\n%s", kind, after, s, diff)
				}
			}
		}
	}
}

func FuzzAMessageIsReadOrRefused(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"reason": "I don't want my account deleted"}`))
	f.Add([]byte(`{"exercise":["a","b"],"issued-at":"2026-11-30T08:59:00","expires-at":""}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		e, err := drp.ParseExercise(document)
		if err == nil {
			if _, ok := e.Action.Kind(); !ok || e.Issued.IsZero() && e.Expires.IsZero() && e.Agent == "" && len(document) == 0 {
				t.Errorf("taken: %q", document)
			}
		}
		_, _, _ = drp.ParseReason(document)
		_, _ = drp.Open(document, public)
		if got, err := drp.Open(drp.Sign(key, document), public); len(document) > 0 && len(document) < 8000 && (err != nil || !bytes.Equal(got.Document, document)) {
			t.Errorf("%q comes back as %q, %v", document, got, err)
		}
		if id, err := drp.ParseUUID(string(document)); err == nil && drp.UUID(id) != strings.ToLower(string(document)) {
			t.Errorf("%q is no UUID", document)
		}
	})
}
