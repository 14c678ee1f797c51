// Prints masking keys as a client makes them that uses java.util.Random: java MaskingKeys.java COUNT
import java.util.HexFormat;
import java.util.Random;

public class MaskingKeys {
    public static void main(String[] arguments) {
        Random random = new Random(20261128);
        byte[] key = new byte[4];
        for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
            random.nextBytes(key);
            System.out.println(HexFormat.of().formatHex(key));
        }
    }
}
