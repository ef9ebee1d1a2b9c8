// Package systemsweb shows the systems outside of Thimble that hold data about customers:
// to staff, who state them, and to systems of the shop, which list what is asked of them and
// answer, by the API or by a post that is signed as their webhooks are.
//
// It promises:
//
//   - a key is shown once, on the page that follows its making;
//   - lists name systems, requests and dates, and nobody;
//   - what is wrong with a signed answer is not said apart: not the system, the task, nor
//     the signature.
package systemsweb
