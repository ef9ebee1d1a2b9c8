package web

import (
	"fmt"
	"net/http"
	"strings"
)

// SecureOptions tune [Secure]. The zero value works. The content policy has no
// option: a door that needs another origin breaks a promise of this package.
type SecureOptions struct {
	// TLS says that visitors come by https although r.TLS is nil, because a
	// proxy in front ends it.
	TLS bool
	// Deny answers a refused cross-origin request; a plain 403 problem when nil.
	Deny http.Handler
	// TrustedOrigins may post, such as "https://shop.example".
	TrustedOrigins []string
	// FromAnywhere are patterns that another site's page may post to: what is posted there
	// proves itself, and no cookie of the browser is looked at.
	FromAnywhere []string
}

// The policy allows this origin's files and nothing else. Trusted Types: htmx
// parses replies and chart.js adds one script; both go through the policies
// named here, which trusted.js and chart.js define narrowly.
var contentPolicy = strings.Join([]string{
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
	"connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	"require-trusted-types-for 'script'", "trusted-types htmx thimble",
}, "; ")

const permissionsPolicy = "accelerometer=(), browsing-topics=(), camera=(), " +
	"display-capture=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), interest-cohort=(), " +
	"local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"

// Secure sets the headers every page and every answer carries, and refuses what
// another site makes a browser send: [http.CrossOriginProtection] instead of
// tokens in forms.
func Secure(next http.Handler, opt SecureOptions) (http.Handler, error) {
	guard := http.NewCrossOriginProtection()
	for _, origin := range opt.TrustedOrigins {
		if err := guard.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("web: trusting origin %q: %w", origin, err)
		}
	}
	for _, pattern := range opt.FromAnywhere {
		guard.AddInsecureBypassPattern(pattern)
	}
	if opt.Deny == nil {
		opt.Deny = http.HandlerFunc(denyCrossOrigin)
	}
	guard.SetDenyHandler(opt.Deny)
	guarded := guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", permissionsPolicy)
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		if opt.TLS || r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		guarded.ServeHTTP(w, r)
	}), nil
}

func denyCrossOrigin(w http.ResponseWriter, r *http.Request) {
	WriteProblem(w, r, Problem{
		Type: ProblemBase + "cross-origin", Title: "Request from another site", Status: http.StatusForbidden,
		Detail: "Your browser says that another site sent this request. Open the page here and try again.",
	})
}
