package storefront

import (
	"fmt"
	"net/http"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/web"
)

type aboutBody struct {
	Demo bool
	Rule string
}

func (s *shop) about(w http.ResponseWriter, r *http.Request) {
	s.frame.Render(w, r, http.StatusOK, s.pages, "about.html", web.Page{
		Title: "About this demo", Lead: "What is real here, what is not, and whose work it rests on.", Body: aboutBody{Demo: s.Demo, Rule: s.Rule},
	})
}

type signInBody struct{ Customers []DemoCustomer }

func (s *shop) chooseCustomer(w http.ResponseWriter, r *http.Request) {
	s.frame.Render(w, r, http.StatusOK, s.pages, "sign-in.html", web.Page{
		Title: "Look as a customer", Lead: "These are account numbers of the public data set. It holds no names. What each of them allows was assigned by the demo’s rule.",
		Body: signInBody{s.Customers},
	})
}

const maxForm = 1 << 12

func (s *shop) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.frame.Fail(w, r, fmt.Errorf("storefront: reading the form: %w", thimble.ErrInvalid))
		return
	}
	for _, c := range s.Customers {
		if c.Subject.String() != r.PostForm.Get("customer") {
			continue
		}
		if err := s.Sessions.Begin(w, r, session.Who{Subject: c.Subject}); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, "/?done=signed-in", http.StatusSeeOther)
		return
	}
	s.frame.Fail(w, r, fmt.Errorf("storefront: the customer is not one of the demo's: %w", thimble.ErrNotFound))
}

func (s *shop) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.Sessions.End(w, r); err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/?done=signed-out", http.StatusSeeOther)
}
