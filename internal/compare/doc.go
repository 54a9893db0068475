// Package compare puts the same load on servers of several designs, each a process of its own,
// and keeps what was measured.
//
// It starts a program, this one unless told, as a server (switchyard serve) and as a load
// generator (switchyard load), and talks to both over sockets. Each of its parts is of use by
// itself:
//
//	s, err := compare.StartServer(ctx, compare.ServerOptions{Model: "poll/epoll"})
//	l, err := compare.StartLoad(ctx, compare.LoadOptions{Target: s.URL("/"), Clients: 16})
//	w, err := compare.OpenWindow(ctx, s, nil)
//	err = l.Begin()
//	err = l.Done(ctx)
//	seen, err := w.Close(ctx)
//	result, err := l.Result(ctx)
//
// Both must be started by a goroutine that is locked to its thread, which must live as long as
// they (Locked): the kernel kills the ones with the other. Run does all that in rounds, of
// several models in turn, and what it measures is a run of package rounds.
package compare
