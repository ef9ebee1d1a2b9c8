// Package staffweb has the pages by which staff come in and look after their accounts.
//
// It promises:
//
//   - one form asks for name, password and code together: there is no half-way state that
//     tells whether a password was right;
//   - a wrong name, a wrong password and a wrong code are answered with the same page,
//     after the same work;
//   - guessing is slow: from one network twenty tries and then one every fifteen seconds;
//     for one name, from all browsers it did not come in with before, ten tries and then
//     ten an hour. Who comes with a browser they came in with before is counted apart, so
//     that nobody is locked out by the guesses of others;
//   - with the right password and a million codes to guess from, of which three count at a
//     time, 250 tries a day find one with a chance of less than one in a thousand a day,
//     and each of them is in the log; without the password they find nothing;
//   - a one-time link leads to the choice of a password and a second factor, and opens
//     nothing where these are set;
//   - what a stolen cookie must not do needs name, password and code again.
package staffweb
