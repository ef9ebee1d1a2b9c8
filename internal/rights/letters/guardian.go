package letters

import (
	"slices"

	"thimble/internal/rights/cases"
)

// Readers says who a letter about a child's request is written to, while somebody answers for
// the child: the child, those who answer for it, or both.
//
// What a guardian asked for goes to the guardians. The child is told as well when it is the
// child who opens it, of what came of an appeal, which may be the child's, and when the child
// is being forgotten: the data is the child's (GDPR Art. 12(1), 12(3)). Everything else is the child's own, and goes to the child. Guardians
// hear of it that somebody asks in the child's name from outside, and that the child is being
// forgotten; not what it is about (GDPR recital 38: help that a child seeks must not depend
// on them).
func Readers(k Kind, c cases.Case) (child, guardians bool) {
	if c.Via == cases.Guardian {
		return slices.Contains([]Kind{Ready, Upheld, Overturned, Farewell}, k), true
	}
	return true, slices.Contains([]Kind{Received, Identity, Farewell}, k)
}

// Counts reports whether a letter that a guardian got is the one that was owed: who asked has
// it then. That something is ready is for the child to know, who opens it.
func Counts(k Kind, c cases.Case) bool { return c.Via == cases.Guardian && k != Ready }

// toGuardian are the paragraphs for who answers for a child. What was written in a case is
// the child's, and in none of them.
func toGuardian(k Kind, f Facts) []string {
	page := "Look here how it goes on: " + f.Centre + "/requests/" + f.Case.ID.Token(cases.TokenPrefix)
	switch {
	case k == Farewell:
		all := []string{"Somebody you answer for is being forgotten here. We are deleting their data now. Most often that is done before you read this.",
			"This is our last letter about them."}
		for _, w := range f.Case.Work {
			all = append(all, proofOf(f, w.Ref))
		}
		return append(all, "They did not ask, and neither did you? Then write to us at once.", complain)
	case f.Case.Via != cases.Guardian:
		all := []string{"On " + day(f.Case.At) + " we got a request about the data of somebody you answer for. We do not say here what it is about: it is theirs."}
		if k == Identity {
			all = append(all, "Nothing happens before it is shown that it was them. "+notYou(f))
		}
		return append(all, "Your own page is here: "+f.Centre+"/requests")
	case k == Ready:
		return []string{mine, "It is ready. They open it in their own privacy centre, so we do not send it by mail.", page}
	case k == Question:
		return []string{mine, "We want to do it, and need to know what you mean. Write to us, or look at the page.", page}
	}
	f.Reason = hidden
	return append([]string{mine}, paragraphs(k, f)...)
}

const mine = "You asked us for something for somebody you answer for."

// toChild are the paragraphs for a child of what a guardian asked for.
func toChild(k Kind, f Facts) []string {
	if k == Ready {
		return []string{"Somebody who answers for you asked for your data. It is ready, and it is for you alone. Sign in to your privacy centre to open it.",
			"Look here: " + f.Centre + "/requests/" + f.Case.ID.Token(cases.TokenPrefix)}
	}
	if k != Farewell {
		return paragraphs(k, f)
	}
	all := []string{"Somebody who answers for you asked us to forget you. We are deleting your data now. Most often that is done before you read this.",
		"This is our last letter: your address is deleted too."}
	for _, w := range f.Case.Work {
		all = append(all, proofOf(f, w.Ref))
	}
	return append(all, "You do not want that? Then write to us at once.", complain)
}
