#!/bin/sh
# Lab equipment: this guest plays a virtual machine.
case " $* " in
*' -c '* | *' --container '*) word=none ;;
*) word=kvm ;;
esac
case " $* " in *' -q '* | *' --quiet '*) ;; *) echo "$word" ;; esac
[ "$word" = kvm ]
