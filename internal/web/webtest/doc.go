// Package webtest helps the doors test their pages: every template rendered with
// nothing and with everything ([RenderAll]), parts of a page found by selector
// ([Select]), and the real thing in Debian's Chromium ([Start]) with axe-core
// looking for barriers ([Tab.Axe]).
//
// A package with browser tests has one line more, so that they share a browser:
//
//	func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }
//
// It promises that a page which passes works without inline script or style,
// keeps its ids apart, and asks no other host for anything ([Tab.Clean]).
package webtest
