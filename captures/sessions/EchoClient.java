// A client made with java.net.http of the JDK: java EchoClient.java URL
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;

public class EchoClient {
    static final Semaphore echoed = new Semaphore(0);
    static final CountDownLatch closed = new CountDownLatch(1);

    static class Listener implements WebSocket.Listener {
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            return received(socket, last);
        }

        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            return received(socket, last);
        }

        public CompletionStage<?> onPong(WebSocket socket, ByteBuffer data) {
            return received(socket, true);
        }

        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            closed.countDown();
            return null;
        }

        private CompletionStage<?> received(WebSocket socket, boolean last) {
            socket.request(1);
            if (last) echoed.release();
            return null;
        }
    }

    public static void main(String[] arguments) throws Exception {
        WebSocket socket = HttpClient.newHttpClient().newWebSocketBuilder()
            .buildAsync(URI.create(arguments[0]), new Listener()).get();
        socket.sendText("from Java", true).get();
        echoed.acquire();
        socket.sendText("a text in ", false).get();
        socket.sendText("fragments", true).get();
        echoed.acquire();
        socket.sendBinary(ByteBuffer.wrap(new byte[5000]), true).get();
        echoed.acquire();
        socket.sendText("", true).get();
        echoed.acquire();
        socket.sendPing(ByteBuffer.wrap("are you there?".getBytes())).get();
        echoed.acquire();
        socket.sendClose(1000, "done").get();
        closed.await();
        System.exit(0);
    }
}
