package letters

import (
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights/cases"
)

// Facts are what a letter is written from.
type Facts struct {
	Shop    string // who answers for the data, by name
	Contact string // how to reach them; empty for not said
	Centre  string // the address of the privacy centre
	Case    cases.Case
	Step    cases.Step               // the step that owes the letter
	Reason  thimble.Personal[string] // what was written at the step; of those that have a reason
	// Guarded says that somebody answers for the person, Guardian that the letter is for them.
	Guarded, Guardian bool
}

// hidden is a reason that is not told.
var hidden thimble.Personal[string]

func (f Facts) paragraphs(k Kind) []string {
	switch {
	case f.Guardian:
		return toGuardian(k, f)
	case f.Guarded && f.Case.Via == cases.Guardian && (k == Ready || k == Farewell):
		return toChild(k, f)
	}
	return paragraphs(k, f)
}

// A Text is a letter in plain text.
type Text struct {
	Subject string // nothing of what was asked for: it is read over shoulders
	Body    thimble.Personal[string]
}

// Write writes a letter.
func Write(k Kind, f Facts) Text {
	var b strings.Builder
	line := func(s ...string) { b.WriteString(strings.Join(s, "") + "\n") }
	line("Hello,")
	line()
	for _, p := range f.paragraphs(k) {
		line(p)
		line()
	}
	if ends := f.Case.LimitEnds(); !ends.IsZero() && !f.Guardian {
		line("You had us stop the use of your data while we looked at this. That ends on ", day(ends), ", and not before. You can have it stay so: sign in and go to ", f.Centre, "/limit")
		line()
	}
	if !f.Guardian || f.Case.Via == cases.Guardian {
		line("Request: ", f.Case.ID.Token(cases.TokenPrefix))
		line("Asked for: ", f.Case.Kind.Words())
		line()
	}
	line(f.Shop)
	if f.Contact != "" {
		line("Reach us: ", f.Contact)
	}
	line()
	line("No link in this letter signs anybody in. We will never ask you for a password or a copy of your papers.")
	subject := k.subject()
	if f.Guardian {
		subject = "Somebody you answer for: a request about their data"
	}
	return Text{Subject: subject, Body: thimble.Hide(b.String())}
}

func (k Kind) subject() string {
	switch k {
	case Identity:
		return "Was it you? A request about your data"
	case Farewell:
		return "Your data is being deleted"
	}
	return "Your request about your data"
}

// day is the day of an instant, by UTC.
func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// lastDay is the last day that is in time, for a date that is a midnight in a zone from
// UTC-11 to UTC+14: the day before, and where that midnight is before noon of UTC the day
// before that. A date within a day has no such day: it may be that day itself.
func lastDay(due time.Time) string { return day(due.Add(-12 * time.Hour)) }

func paragraphs(k Kind, f Facts) []string {
	page := "Look here how it goes on: " + f.Centre + "/requests/" + f.Case.ID.Token(cases.TokenPrefix)
	came := "On " + day(f.Case.At) + " we got a request about your data. It came by this way: " + f.Case.Via.Words() + "."
	if f.Case.AgentName != "" {
		came += " " + f.Case.AgentName + " asked for you."
	}
	answer := "We will answer by " + lastDay(f.Step.Due) + ". The rule for this date: " + f.Step.Rule + "."
	switch k {
	case Received:
		return []string{came, answer, page}
	case Identity:
		return []string{came, "Nothing happens before it is shown that it was you. Was it you? Then sign in to your privacy centre and say so there: " + f.Centre + "/requests/" + f.Case.ID.Token(cases.TokenPrefix),
			notYou(f) + " If nobody shows that it was you, the request is closed on " + day(f.Case.At.Add(cases.Patience)) + ".", answer}
	case Question:
		return []string{"We want to do what you asked for, and need to know what you mean. Our question is in your privacy centre, and you can answer it there.", page}
	case Extended:
		return []string{"We need more time for your request. The new date is " + lastDay(f.Step.Due) + ". The rule for this date: " + f.Step.Rule + ".", reason(f), page}
	case Ready:
		return []string{"What you asked for is ready. Sign in to your privacy centre to open it. It is for you alone, so we do not send it by mail.", page}
	case Done:
		return []string{"What you asked for is done. Each step, with its proof, is in your privacy centre.", page}
	case Here:
		return []string{"What you asked for is done here. Others who work for us were asked to do their part, and have still to answer.", page}
	case InPart:
		return []string{"What you asked for is done, but for one part: " + f.Step.Part.Words() + ".", page, complain}
	case Refused:
		return []string{refusal(f), reason(f), "You do not agree? Tell us so in your privacy centre. Somebody else will look at it then.", page, complain}
	case Upheld:
		return []string{"You did not agree with us. Somebody else has looked at it, and the refusal stands.", reason(f), page, complain}
	case Overturned:
		return []string{"You did not agree with us. Somebody else has looked at it, and you were right: what you asked for is open again.", answer, page}
	case Lapsed:
		return []string{"Nobody came back to the request, so it is closed now. Nothing was done. You can ask again at any time.", page}
	case Farewell:
		return farewell(f)
	}
	return nil
}

// notYou asks for word from who did not ask: staff can find that what was said fits them.
func notYou(f Facts) string {
	if f.Contact == "" {
		return "If it was not you, tell us at once."
	}
	return "If it was not you, tell us at once (" + f.Contact + ")."
}

func refusal(f Facts) string {
	said := "We did not do what you asked for."
	if r, ok := cases.ReasonOf(f.Step.Ground); ok {
		said += " The ground is: " + r.Words + ". The law behind it: " + r.Law + "."
	}
	return said
}

func reason(f Facts) string {
	// On its way to the person whom it is owed to: GDPR Art. 12(3), 12(4).
	if said := strings.TrimSpace(f.Reason.Reveal()); said != "" {
		return "Our reason:\n" + said
	}
	return "Our reason is in your privacy centre."
}

// complain is what a refusal has to say (GDPR Art. 12(4)): where else to go.
const complain = "You can also complain to the office that watches over data protection where you live, or go to court."

// farewell is the last letter. It is written before the end, and says so.
func farewell(f Facts) []string {
	all := []string{"You asked to be forgotten. We are deleting your data now. Most often that is done before you read this.",
		"This is our last letter: your address is deleted too."}
	for _, w := range f.Case.Work {
		all = append(all, proofOf(f, w.Ref))
	}
	return append(all, "It was not you? Then write to us at once.", complain)
}

// proofOf leads to the page of an erasure.
func proofOf(f Facts, request string) string {
	return "The page below shows when it is done, and has a proof that you can keep. It names nobody: " + f.Centre + "/forgotten/" + request
}
