// Package compare puts the same load on servers of several designs, each a process of its own, and
// keeps what was measured.
//
// Run does that in rounds, of several models in turn, and what it measures is a run of package
// rounds. A [Window] is of use by itself, around a server and a load of package child:
//
//	s, err := child.StartServer(ctx, child.ServerOptions{Model: "poll/epoll"})
//	l, err := child.StartLoad(ctx, child.LoadOptions{Load: load.Config{Target: s.URL("/")}})
//	w, err := compare.OpenWindow(ctx, s, nil)
//	err = l.Begin()
//	err = l.Done(ctx)
//	seen, err := w.Close(ctx)
//	result, err := l.Result(ctx)
package compare
